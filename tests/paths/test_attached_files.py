"""A file that an answer names belongs to the incident: whoever works on it there may read it."""

import pytest

from service.application import attachments
from service.application.attachments import Upload
from service.domain.errors import NoSuch
from tests.paths import school
from tests.paths.world import World


def test_a_certificate_can_be_read_where_the_incident_is_handled(world: World) -> None:
    w = world
    folder = w.settings.data_dir / "attachments"
    upload = Upload("证明.pdf", "application/pdf", b"%PDF excluded")
    kept = w.app.run(lambda uow: attachments.store(uow, folder, w.who("coordinator"), upload))

    def read(who: str) -> bytes:
        with w.app.read() as connection:
            return attachments.read(
                connection, w.app.sealer, folder, principal=w.who(who), attachment=kept.id
            )[1]  # fmt: skip

    assert read("coordinator") == upload.content
    with pytest.raises(NoSuch):
        read("principal")

    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    named = {"id": kept.id, "name": kept.name, "size": kept.size, "sha256": kept.sha256}
    school.diagnosis(w, "excluded", certificate=named)
    assert read("principal") == upload.content
    with pytest.raises(NoSuch):
        read("villager")
