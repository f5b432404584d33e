"""Summaries of an invented firm, one for each thing that a post can look like, in both languages."""

from dataclasses import replace
from datetime import date, timedelta

from holdfast.core.replies import cleaned
from holdfast.core.settings import Language
from holdfast.core.summary import Ask, Figures, GoalLine, Kept, Pack, Pick, Quiet, Quotation, Shared, Summary

SV, EN = Language.SV, Language.EN
MONDAY = date(2026, 11, 30)

GOALS = {
    SV: ("Alla använder AI i vardagen", "Nya kollegor är hemma efter tre månader"),
    EN: ("Everyone uses AI every day", "New colleagues are at home after three months"),
}
SAID = {
    SV: (
        ("Anna Ek", "Jag bad om tre utkast i stället för ett och jämförde dem. Det sparade en hel förmiddag!", 0),
        ("Bo Lind", "Källkritik: fråga alltid var siffran kommer ifrån. Två av fem källor fanns inte 🙂", 0),
        ("Cecilia Åberg", "Fika med en från ett annat team varje torsdag. Nu vet jag vem jag ska fråga.", 1),
    ),
    EN: (
        ("Anna Ek", "I asked for three drafts instead of one and compared them. It saved me a whole morning!", 0),
        ("Bo Lind", "Always ask where a figure comes from. Two sources out of five did not exist 🙂", 0),
        ("Cecilia Åberg", "A coffee with somebody of another team every Thursday. Now I know whom to ask.", 1),
    ),
}
TAKE = {
    SV: (
        ("Prompting i praktiken", 45, 0),
        ("Källor du kan lita på", 25, 0),
        ("Att fråga så att någon hinner svara", 20, 1),
    ),
    EN: (
        ("Prompting in practice", 45, 0),
        ("Sources that you can trust", 25, 0),
        ("Asking so that somebody can answer", 20, 1),
    ),
}
ASKS = {SV: "Vad kan du göra på ett nytt sätt?", EN: "What can you do in a new way?"}
LONG = {
    SV: "Vi beskriver våra tjänster så att den som aldrig har hört talas om oss förstår vad hen får, vad det kostar "
    "och vem som svarar när något inte fungerar som det var tänkt från början",
    EN: "We describe our services so that somebody who has never heard of us understands what they get, what it costs "
    "and who answers when something does not work as it was meant to from the start",
}

HOSTILE = (
    '<p><at id="0">Everyone</at>, <b>fet</b> och **fet** [klicka](https://ond.example) &lt;img src=x&gt; '
    "{{DATE(2026-12-04T09:00:00Z)}} https://ond.example/?a=1 \u202eexe.gnp</p><attachment id='1'></attachment>"
)


def reply_url(number: int) -> str:
    return (
        f"https://teams.example/l/message/19%3Alarande%40thread.tacv2/17644128000{number:02}"
        "?groupId=5e6f7a8b-9c0d-4e1f-8a2b-3c4d5e6f7a8b&parentMessageId=1764412800000"
    )


def full(language: Language) -> Summary:
    """A week in which much happened."""
    goals = GOALS[language]
    return Summary(
        channel="utveckling",
        period="2026-12-04",
        language=language,
        organization="Fjällvik AB",
        since=MONDAY - timedelta(days=3),
        until=MONDAY + timedelta(days=3),
        figures=Figures(85, Kept(80)),
        goals=(GoalLine(goals[0], date(2028, 12, 31), 340, 17), GoalLine(goals[1], None, 25)),
        shared=tuple(
            Shared(author, text, reply_url(number), goals[goal])
            for number, (author, text, goal) in enumerate(SAID[language])
        ),
        picks=tuple(
            Pick(date(2026, 12, day), title, f"https://kurser.example/{day}", minutes, goals[goal])
            for day, (title, minutes, goal) in zip((8, 10, 15), TAKE[language], strict=True)
        ),
        question=ASKS[language],
    )


def quiet(language: Language) -> Summary:
    """A week of holidays: nothing was in the calendar, and something comes."""
    whole = full(language)
    return replace(whole, figures=None, quiet=Quiet.NONE, goals=(), shared=(), picks=whole.picks[:1], question=None)


def few(language: Language) -> Summary:
    """A team of three."""
    whole = full(language)
    goals = tuple(replace(goal, hours=None, target=None) for goal in whole.goals)
    return replace(whole, figures=None, quiet=Quiet.FEW, goals=goals, shared=whole.shared[:1])


def alike(language: Language) -> Summary:
    """Nearly the same people as another channel has."""
    return replace(few(language), quiet=Quiet.ALIKE, shared=())


def none_kept(language: Language) -> Summary:
    """0 %, told as under 10 %, of few hours."""
    whole = full(language)
    goals = (replace(whole.goals[0], hours=0, target=0), whole.goals[1])
    return replace(whole, figures=Figures(0, Kept(0)), goals=goals, shared=())


def all_kept(language: Language) -> Summary:
    """100 %, told as over 90 %."""
    return replace(full(language), figures=Figures(1240, Kept(100)), shared=())


def one_reply(language: Language) -> Summary:
    """One reply, about no goal."""
    whole = full(language)
    return replace(whole, shared=(replace(whole.shared[0], goal=None),))


def many_replies(language: Language) -> Summary:
    """More replies than a post has room for, some about no goal, in two scripts and with things to trip over."""
    whole = full(language)
    more = [
        Shared("Dariush محمدی", "امروز یاد گرفتم که سؤال خوب نیمی از جواب است", reply_url(10), None),
        Shared(
            "Erik [admin](https://ond.example)",
            cleaned(HOSTILE),
            reply_url(11),
        ),
        *(Shared(f"Kollega {number}", "Kort och gott. " * number, reply_url(12 + number)) for number in range(1, 30)),
    ]
    return replace(whole, shared=(*whole.shared, *more))


def long_titles(language: Language) -> Summary:
    """Goals, courses and questions that somebody wrote at length, with one long word."""
    whole, title = full(language), LONG[language]
    word = "Kompetensförsörjningsstrategiarbetsgruppsmötesanteckningsmall" * 2
    picks = tuple(replace(pick, title=f"{title}: {word}", goal=title) for pick in whole.picks)
    goals = (replace(whole.goals[0], title=title), replace(whole.goals[1], title=word))
    shared = tuple(replace(one, text=f"{title}. {word} " * 3, goal=title) for one in whole.shared)
    return replace(
        whole, goals=goals, shared=shared, picks=picks, question=f"{title}?", organization=f"Fjällvik {word}"
    )


def no_prompt(language: Language) -> Summary:
    """A channel that does not ask, and a post about a month."""
    return replace(full(language), asks=False, question=None, since=date(2026, 11, 2), until=date(2026, 12, 3))


POSTS = {
    "full": full,
    "quiet": quiet,
    "few": few,
    "alike": alike,
    "none-kept": none_kept,
    "all-kept": all_kept,
    "one-reply": one_reply,
    "many-replies": many_replies,
    "long-titles": long_titles,
    "no-prompt": no_prompt,
}


def pack(language: Language) -> Pack:
    """A month after which there is much to talk about."""
    whole = full(language)
    return Pack(
        channel="utveckling",
        period="agenda-2027-01-04",
        language=language,
        organization="Fjällvik AB",
        since=date(2026, 12, 7),
        until=date(2027, 1, 4),
        ask=Ask.SHOW,
        learned=(GoalLine(whole.goals[0].title, hours=135), GoalLine(whole.goals[1].title, hours=25)),
        sharers=7,
        stories=(whole.shared[0], whole.shared[2]),
        next_goal=whole.goals[0],
        pick=whole.picks[0],
        question=whole.question,
    )


def first_pack(language: Language) -> Pack:
    """A month in which nothing was told yet: short."""
    whole = pack(language)
    goal = GoalLine(GOALS[language][1])
    return replace(whole, ask=Ask.SHARE, learned=(), sharers=0, stories=(), next_goal=goal, pick=None, question=None)


def pack_of_one_story(language: Language) -> Pack:
    """One reply, about no goal, by somebody who has much to say, and a question that somebody wrote at length."""
    whole = pack(language)
    word = "Kompetensförsörjningsstrategiarbetsgruppsmötesanteckningsmall" * 2
    story = replace(whole.stories[0], text=f"{LONG[language]}. {word} " * 3, goal=None)
    return replace(whole, sharers=1, stories=(story,), learned=whole.learned[:1], question=f"{LONG[language]}?")


def pack_without_replies(language: Language) -> Pack:
    """A channel that does not ask."""
    return replace(pack(language), ask=Ask.PLAN, sharers=0, stories=())


WORDS = {
    SV: (
        "Jag har själv en timme i veckan i kalendern, och jag flyttar den inte.",
        "Det är så vi blir bättre på det vi gör: lite varje vecka, tillsammans. Gör detsamma, du också.",
    ),
    EN: (
        "I have an hour a week in my own calendar, and I do not move it.",
        "That is how we get better at what we do: a little every week, together. Do the same.",
    ),
}


def message(language: Language) -> Quotation:
    """What a leader says in two paragraphs."""
    return Quotation(
        channel="utveckling",
        period="message-2027-01-11-6d3f0c52",
        language=language,
        name="Maria Fjäll",
        role={SV: "VD", EN: "CEO"}[language],
        address="vd@fjallvik.example",
        paragraphs=WORDS[language],
    )


def short_message(language: Language) -> Quotation:
    """One line, with things to trip over."""
    nasty = "**Avsätt** tiden <b>nu</b> [här](https://ond.example) {{DATE(2026-12-04T09:00:00Z)}}"
    return replace(message(language), paragraphs=(nasty,), role="VD & koncernchef")


PACKS = {
    "pack": pack,
    "pack-first": first_pack,
    "pack-one-story": pack_of_one_story,
    "pack-no-replies": pack_without_replies,
}
MESSAGES = {"message": message, "message-short": short_message}
