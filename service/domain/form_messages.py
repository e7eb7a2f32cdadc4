"""The sentences for errors and warnings of forms, in both languages."""

from typing import Final

from service.domain.errors import FieldError

_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "required": ("请填写“{zh}”", "“{en}” is required"),
    "unknown_field": ("本表没有这一项", "This form has no such field"),
    "auto_field": ("“{zh}”由系统填写", "“{en}” is filled in by the service"),
    "not_object": ("应为一组字段", "Expected an object"),
    "not_list": ("应为列表", "Expected a list"),
    "not_text": ("应为文字", "Expected text"),
    "not_number": ("应为数字", "Expected a number"),
    "not_integer": ("应为整数", "Expected a whole number"),
    "not_yes_no": ("请选“是”或“否”", "Expected yes or no"),
    "bad_characters": ("含有不能保存的字符", "Contains characters that cannot be stored"),
    "too_short": ("至少 {limit} 个字", "At least {limit} characters"),
    "too_long": ("最多 {limit} 个字", "At most {limit} characters"),
    "too_few": ("至少选 {limit} 项", "At least {limit}"),
    "too_many": ("最多 {limit} 项", "At most {limit}"),
    "bad_format": ("格式不对", "Not in the expected format"),
    "out_of_range": ("应在 {low}–{high}{unit} 之间", "Must be between {low} and {high}{unit_en}"),
    "out_of_range_slip": (
        "应在 {low}–{high}{unit} 之间，是不是 {guess}？",
        "Must be between {low} and {high}{unit_en}; did you mean {guess}?",
    ),
    "below_minimum": ("不得少于 {limit}", "Must be at least {limit}"),
    "above_other": ("不能多于“{zh}”", "Must not exceed “{en}”"),
    "not_an_option": ("不是可选的值", "Not one of the options"),
    "exclusive": ("“{option}”不能与其他项同选", "“{option}” cannot be chosen together with others"),
    "bad_instant": (
        "应为带时区的时间，如 2026-03-09T10:20:00+08:00",
        "Expected a time with offset, such as 2026-03-09T10:20:00+08:00",
    ),
    "bad_date": ("应为日期，如 2026-03-09", "Expected a date, such as 2026-03-09"),
    "bad_time": ("应为时刻，如 17:00", "Expected a time of day, such as 17:00"),
    "in_future": ("不能晚于现在", "Must not lie in the future"),
    "too_early": ("不能早于“{zh}”", "Must not be before “{en}”"),
    "too_late": ("不能晚于“{zh}”", "Must not be after “{en}”"),
    "not_after": ("应晚于“{zh}”", "Must be after “{en}”"),
    "too_short_a_time": ("至少 {days} 天", "At least {days} days"),
    "contacts_missing": (
        "初步名单上的人员既未列出也无移出原因：{names}",
        "On the initial list, but neither listed here nor removed with a reason: {names}",
    ),
    "contact_not_listed": ("不在初步名单上，不能移出", "Not on the initial list: cannot be taken off it"),
    "contact_is_case": ("就是该病例本人", "Is the case himself"),
    "not_contiguous": ("应与上一期相接", "Must begin where the previous period ended"),
    "must_be_true": ("此项必须为“是”", "This must be yes"),
    "still_open": ("尚未办结，不能这样填：{zh}", "Not possible while this is open: {en}"),
    "does_not_apply": ("此时不适用", "Does not apply here"),
    "unknown_person": ("没有这个人", "No such person"),
    "unknown_account": ("没有这个账号", "No such account"),
    "bad_reference": ('应为 {{"id": …}}', 'Expected {{"id": …}}'),
    "bad_id_no": ("证件号不正确", "Not a valid identity number"),
    "bad_phone": ("应为 11 位手机号或固定电话", "Expected an 11-digit mobile number or a land line"),
    "bad_file": ("请先上传文件", "Upload the file first"),
    "file_too_large": ("文件不得超过 20 MB", "A file may have at most 20 MB"),
    "bad_signature": ("请本人签字确认", "Sign it yourself"),
    "same_signer": ("签发人不能是起草人或申请人", "Whoever drafted or applied cannot sign"),
    "not_all": ("必须包含：{items}", "Must include: {items}"),
    "any_of": ("以下至少填一项：{zh}", "At least one of: {en}"),
    "not_among": ("不在可选范围内", "Not among those that may be chosen"),
    "not_observed_then": ("此时段不在其观察期内", "Not under observation at that session"),
    "other_session": ("这个任务登记第 {day} 天{zh}", "This task is for day {day}, {en}"),
    "day_reported": ("这一天已有日报", "This day has a report already"),
    "taken": ("已被占用", "Already taken"),
    "names_another_person": ("不能写其他人的姓名", "Must not contain the name of another person"),
    "numbers_inconsistent": ("{zh}之和不能大于名单人数 {limit}", "The sum of {zh} exceeds the {limit} on the lists"),
    "not_permitted": ("您的岗位不能填写此项", "Your role may not fill this in"),
    # Warnings: accepted and marked.
    "fever": ("达到发热阈值 {limit} ℃", "At or above the fever threshold of {limit} ℃"),
    "not_mercury": ("不是水银体温计，需复测", "Not a mercury thermometer; has to be measured again"),
    "all_alike": ("全部为 {value} ℃，请核对", "All have {value} ℃: please check"),
    "measured_in_no_time": ("{count} 人的测量时间只隔几秒，请核对", "{count} people within seconds: please check"),
    "outside_window": ("超时段", "Outside the session"),
    "wanted": ("“{zh}”待补", "“{en}” is still missing"),
}


def field_error(path: str, code: str, **named: object) -> FieldError:
    """Build an error or warning; `named` fills the sentence of its code."""
    zh, en = _MESSAGES[code]
    return FieldError(path, code, zh.format(**named), en.format(**named))


def codes() -> frozenset[str]:
    """All codes a form can answer with."""
    return frozenset(_MESSAGES)
