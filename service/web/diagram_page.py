"""The diagram as situation board: steps as a list, the picture with live states, pages and children."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as Tree

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup, escape

from service.application.queries import inbox, people, procedures, situation
from service.application.queries.reader import Reader
from service.application.queries.situation import ElementState, InstanceRow, Situation
from service.application.queries.task_rows import TaskRow
from service.application.queries.words import is_english
from service.domain.access import Action, require
from service.domain.errors import NoSuch
from service.engine.model import Bundle, Kind, Node
from service.engine.render import NotDrawn, closed_subs, render_svg
from service.engine.render_english import english_file
from service.web.errors import PageRoute
from service.web.incident_page import Head, head_of
from service.web.site import Visit, Visiting

TOCSIN = "https://tocsin.example/bpmn/1.0"
BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# State of an element (api.md) -> look of the picture.
LOOKS = {"active": "now", "waiting": "wait", "completed": "done", "skipped": "todo", "failed": "late"}
# What a list of steps names: work and waiting for others; pages, gateways and timers are in the picture.
LISTED = frozenset({Kind.USER, Kind.MANUAL, Kind.SEND, Kind.RECEIVE, Kind.RULE, Kind.CALL, Kind.OPEN, Kind.CATCH})


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of the list; `task` is its open task, `opens` the page or child it leads to."""

    id: str
    name: str
    detail: str
    look: str
    count: int
    at: datetime
    task: TaskRow | None
    opens: str


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page of the diagram."""

    address: str
    name: str
    detail: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class InstanceLink:
    """An instance of the incident: whose it is, and since when it runs or is over."""

    address: str
    name: str
    person: str
    at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class InstanceGroup:
    """The running instances of one process; `shown` is the one the page is about."""

    name: str
    links: tuple[InstanceLink, ...]
    shown: InstanceLink | None


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One sheet of a drawing, to be kept as a picture."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawing: where its XML is, the look of each element, counts, and the picture for browsers without scripts."""

    source: str
    states: str
    svg: Markup
    name: str
    files: tuple[PictureFile, ...]


@dataclass(frozen=True, slots=True)
class DiagramPage:
    """The situation of one instance on one of its pages."""

    head: Head
    now: tuple[StepRow, ...]
    done: tuple[StepRow, ...]
    running: tuple[InstanceGroup, ...]
    ended: tuple[InstanceLink, ...]
    pages: tuple[PageLink, ...]
    picture: Picture


@router.get("/incidents/{incident}/diagram")
def diagram_page(visit: Visiting, incident: str, instance: str = "", page: str = "") -> Response:
    """The board of an instance (the root where none is named), one page of it."""
    with visit.reader() as reader:
        board = Board(visit, reader, incident, instance, page)
        model = board.model()
        if visit.is_fragment:
            return visit.fragment("incidents/_diagram.html", model, shell=visit.shell(reader))
        return visit.page(reader, "incidents/diagram.html", model)


@router.get("/incidents/{incident}/diagram.svg")
def diagram_svg(visit: Visiting, incident: str, instance: str = "", page: str = "", sheet: str = "") -> Response:
    """One sheet of the board as a picture file, with its states."""
    with visit.reader() as reader:
        return Board(visit, reader, incident, instance, page).svg(sheet)


@router.get("/procedures/{procedure}/versions/{version}/pages/{page}.svg")
def page_svg(visit: Visiting, procedure: str, version: int, page: str, sheet: str = "") -> Response:
    """One sheet of a page as a picture file."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        return svg_file(procedures.xml(reader, procedure, version, page), {}, reader.locale, sheet)


@router.get("/procedures/{procedure}/versions/{version}/pages/{page}.bpmn")
def page_xml(visit: Visiting, procedure: str, version: int, page: str) -> Response:
    """The XML of one page, for the viewer."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        xml = procedures.xml(reader, procedure, version, page)
        return Response(for_viewer(xml, reader.locale), media_type="application/xml")


def for_viewer(xml: str, locale: str) -> bytes:
    """The drawing for the viewer: in the reader's language, without the ids the viewer writes beside message flows.

    The viewer cannot draw a message flow onto another sheet: one that ends in a closed sub-process ends at its border.
    """
    if is_english(locale):
        xml = english_file(xml.encode()).decode()
    root = Tree.fromstring(xml)  # noqa: S314 - a stored definition, checked when it was deployed
    planes = {plane.get("bpmnElement") for plane in root.iter(f"{{{BPMNDI}}}BPMNPlane")}
    closed = [sub for sub in root.iter(f"{{{BPMN}}}subProcess") if sub.get("id") in planes]
    inside = {one.get("id"): sub.get("id", "") for sub in closed for one in sub.iter()}
    for element in root.iter():
        english = element.get(f"{{{TOCSIN}}}label-en")
        if is_english(locale) and english:
            element.set("name", english)
        if element.tag == f"{{{BPMN}}}messageFlow":
            element.attrib.pop("messageRef", None)
            for end in ("sourceRef", "targetRef"):
                element.set(end, inside.get(element.get(end), element.get(end, "")))
    return bytes(Tree.tostring(root, encoding="utf-8", xml_declaration=True))


class Board:
    """One request's look at an instance."""

    def __init__(
        self, visit: Visit, reader: Reader, incident: str, instance: str, page: str, *, base: str = ""
    ) -> None:  # fmt: skip
        """`base` is the address its links lead to, ending in `?` or `&`; that of the diagram tab without one."""
        self.visit = visit
        self.base = base or f"/incidents/{incident}/diagram?"
        self.reader = reader
        self.incident = incident
        self.head = head_of(visit, reader, incident, "diagram")
        self.rows = situation.instance_rows(reader, incident)
        self.instance = self._instance(instance)
        self.situation: Situation = situation.of_instance(reader, incident, self.instance.id)
        self.bundle: Bundle = reader.bundle(self.instance.procedure, self.instance.version)
        self.page = self._page(page)
        open_tasks = inbox.listing(reader, inbox.TaskFilter(incident=incident, state="open"), limit=200).items
        self.tasks = {task.element: task for task in open_tasks if task.instance == self.instance.id}

    def _instance(self, wanted: str) -> InstanceRow:
        found = next((row for row in self.rows if row.id == wanted or (not wanted and not row.parent)), None)
        if found is None:
            raise NoSuch("instance", wanted)
        return found

    def _page(self, wanted: str) -> str:
        pages = [self.instance.process, *self._pages()]
        return wanted if wanted in pages else self._busiest() or self.instance.process

    def _busiest(self) -> str:
        """The page where most is going on now, the entry where nothing is."""
        busy = {page: self._busy(page) for page in self._pages()}
        most = max(busy.values(), default=0)
        return next((page for page, count in busy.items() if count == most and count), "")

    def _busy(self, page: str) -> int:
        """How many steps of a page are going on."""
        nodes = self.bundle.processes[page].nodes
        elements = self._elements(page).items()
        return sum(self._is_now(each) for id_, each in elements if each is not None and nodes[id_].kind in LISTED)

    def _pages(self) -> list[str]:
        """The pages of this instance, in the order in which they call each other."""
        found, queue = [], [self.instance.process]
        while queue:
            page = queue.pop(0)
            if page in found or page not in self.bundle.processes:
                continue
            found.append(page)
            nodes = self.bundle.processes[page].nodes.values()
            queue.extend(node.called for node in nodes if node.kind is Kind.INLINE)
        return found

    def _elements(self, page: str) -> dict[str, ElementState | None]:
        nodes = self.bundle.processes[page].nodes
        return {id_: self.situation.elements.get(id_) for id_ in nodes if id_ in self.situation.elements}

    def _is_now(self, state: ElementState) -> bool:
        return state.state in ("active", "waiting", "failed")

    def model(self) -> DiagramPage:
        """The view model."""
        steps = [each for page in self._pages() for each in self._steps(page)]
        running, ended = self._instances()
        return DiagramPage(
            head=self.head,
            now=tuple(sorted((each for each in steps if each.look not in ("done", "todo")), key=_urgency)),
            done=tuple(sorted((each for each in steps if each.look == "done"), key=lambda each: each.at, reverse=True)),
            running=running,
            ended=ended,
            pages=tuple(self._page_links()),
            picture=self._picture(),
        )

    def _steps(self, page: str) -> Iterable[StepRow]:
        nodes = self.bundle.processes[page].nodes
        for id_, state in self._elements(page).items():
            node = nodes[id_]
            if state is None or node.kind not in LISTED or state.state == "skipped":
                continue
            yield StepRow(
                id=id_,
                name=self.reader.named(node),
                detail=self.reader.label("role", node.role) if node.role else "",
                look=self._look(node, state),
                count=state.count,
                at=state.since,
                task=self.tasks.get(id_),
                opens=self._opens(node),
            )

    def _look(self, node: Node, state: ElementState) -> str:
        task = self.tasks.get(node.id)
        if state.late or (task is not None and task.late):
            return "late"
        if task is not None and task.due_at and (task.due_at - task.now).total_seconds() < 1800:
            return "soon"
        return LOOKS.get(state.state, "todo")

    def _opens(self, node: Node) -> str:
        if node.kind is Kind.INLINE:
            return f"{self.base}instance={self.instance.id}&page={node.called}"
        child = next((each for each in self.situation.children if each.element == node.id), None)
        return f"{self.base}instance={child.instances[0]}" if child else ""

    def _page_links(self) -> Iterable[PageLink]:
        for page in self._pages():
            process = self.bundle.processes[page]
            count = self._busy(page)
            address = f"{self.base}instance={self.instance.id}&page={page}"
            yield PageLink(
                address, self.reader.pick(process.name, process.name_en), str(count or ""), page == self.page
            )

    def _instances(self) -> tuple[tuple[InstanceGroup, ...], tuple[InstanceLink, ...]]:
        """The running instances by process, and those that are over, the last first."""
        codes = _person_codes(self.reader, self.incident, self.rows)
        groups: dict[tuple[str, str], list[InstanceLink]] = {}
        ended: list[InstanceLink] = []
        for row in self.rows:
            address = f"{self.base}instance={row.id}"
            is_running = row.status == "active"
            at = row.started_at if is_running else row.ended_at or row.started_at
            link = InstanceLink(address, row.name, codes.get(row.person, ""), at, row.id == self.instance.id)
            (groups.setdefault((row.procedure, row.process), []) if is_running else ended).append(link)
        running = (
            InstanceGroup(links[0].name, tuple(links), next((one for one in links if one.is_current), None))
            for links in groups.values()
        )
        return tuple(running), tuple(sorted(ended, key=lambda link: link.at, reverse=True))

    def _picture(self) -> Picture:
        nodes = self.bundle.processes[self.page].nodes
        counts = {
            id_: each.count
            for id_, each in self._elements(self.page).items()
            if each and self._is_now(each) and nodes[id_].kind is not Kind.BOUNDARY
        }
        xml, states = self._xml(), self._states()
        process = self.bundle.processes[self.page]
        name = self.reader.pick(process.name, process.name_en)
        address = f"/incidents/{self.incident}/diagram.svg?instance={self.instance.id}&page={self.page}&"
        return Picture(
            source=f"/procedures/{self.instance.procedure}/versions/{self.instance.version}/pages/{self.page}.bpmn",
            states=json.dumps({"looks": states, "counts": counts}),
            svg=drawn(xml, states, self.reader.locale),
            name=name,
            files=picture_files(xml, address, name, self.reader.locale),
        )

    def svg(self, sheet: str) -> Response:
        """A sheet of the page as a picture file. Raises NoSuch."""
        return svg_file(self._xml(), self._states(), self.reader.locale, sheet)

    def _xml(self) -> str:
        return procedures.xml(self.reader, self.instance.procedure, self.instance.version, self.page)

    def _states(self) -> dict[str, str]:
        nodes = self.bundle.processes[self.page].nodes
        states = {id_: self._look(nodes[id_], each) for id_, each in self._elements(self.page).items() if each}
        return states | _of_closed(self._xml(), nodes, states)


def picture_files(xml: str, address: str, name: str, locale: str) -> tuple[PictureFile, ...]:
    """Every sheet of a page, under an address that ends in `?` or `&`; none where the file has no positions."""
    if "BPMNShape" not in xml:
        return ()
    inner = (
        PictureFile(f"{address}sheet={ident}", (name_en or title) if locale.startswith("en") else title)
        for ident, title, name_en in closed_subs(xml.encode())
    )
    return (PictureFile(address.rstrip("?&"), name), *inner)


def svg_file(xml: str, states: Mapping[str, str], locale: str, sheet: str) -> Response:
    """A sheet as a picture file. Raises NoSuch."""
    try:
        svg = render_svg(xml.encode(), states=states, locale="en" if locale.startswith("en") else "zh", sheet=sheet)
    except NotDrawn as error:
        raise NoSuch("page", sheet) from error
    return Response(svg, media_type="image/svg+xml")


def drawn(xml: str, states: dict[str, str], locale: str) -> Markup:
    """The picture of a page as SVG, its closed sub-processes beneath it, "" where the file has no positions."""
    language, source = "en" if locale.startswith("en") else "zh", xml.encode()
    try:
        parts = [render_svg(source, states=states, locale=language)]
    except NotDrawn:
        return Markup("")
    for ident, name, name_en in closed_subs(source):
        svg = render_svg(source, states=states, locale=language, sheet=ident)
        title = escape((name_en or name) if language == "en" else name)
        parts.append(f'<figure class="closed-sub"><figcaption>{title}</figcaption>{svg}</figure>')
    return Markup("".join(parts))  # noqa: S704 - written by our own renderer, which escapes every text


def _of_closed(xml: str, nodes: Mapping[str, Node], looks: Mapping[str, str]) -> dict[str, str]:
    """Looks of closed sub-processes: the most urgent inside; one that only waits for its start has none."""
    found: dict[str, str] = {}
    for ident, _, _ in closed_subs(xml.encode()):
        inside = {
            looks[one]
            for one, node in nodes.items()
            if node.parent == ident and one in looks and (node.kind is not Kind.START or looks[one] == "done")
        }
        strongest = next((look for look in ("late", "soon", "now", "wait", "done") if look in inside), "")
        if strongest:
            found[ident] = strongest
    return found


def _urgency(row: StepRow) -> tuple[int, float]:
    order = {"late": 0, "soon": 1, "now": 2, "wait": 3}
    due = row.task.due_at.timestamp() if row.task and row.task.due_at else float("inf")
    return order.get(row.look, 4), due


def _person_codes(reader: Reader, incident: str, rows: Iterable[InstanceRow]) -> dict[str, str]:
    if not any(row.person for row in rows) or not reader.may_with(Action.PEOPLE_READ, reader.incident(incident)):
        return {}
    return {each.id: reader.person_code(each.code) for each in people.people(reader, incident).items}
