"""Dates and durations; a level goes further, or adds more durations; level 0 is days away."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.date_answer import DateAnswer
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.checkers.text_answer import TextAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    WEEKDAYS,
    Language,
    Texts,
    answer_line,
    with_ending,
)

if TYPE_CHECKING:
    from random import Random

_ASK_DATE: Texts = {
    "en": "Which date is {n} days after {day}? Write it as YYYY-MM-DD.",
    "de": "Welches Datum ist {n} Tage nach dem {day}? Schreibe es als JJJJ-MM-TT.",
    "fr": "Quelle est la date {n} jours après le {day} ? Écris-la sous la forme AAAA-MM-JJ.",
    "es": "¿Qué fecha es {n} días después del {day}? Escríbela como AAAA-MM-DD.",
}
_ASK_WEEKDAY: Texts = {
    "en": "{day} is a {weekday}. Which weekday is {n} days later?",
    "de": "Der {day} ist ein {weekday}. Welcher Wochentag ist {n} Tage später?",
    "fr": "Le {day} est un {weekday}. Quel jour de la semaine est-ce {n} jours plus tard ?",
    "es": "El {day} es {weekday}. ¿Qué día de la semana es {n} días después?",
}
_ASK_DURATION: Texts = {
    "en": "How many minutes are these together: {parts}?",
    "de": "Wie viele Minuten sind das zusammen: {parts}?",
    "fr": "Combien de minutes cela fait-il en tout : {parts} ?",
    "es": "¿Cuántos minutos son en total: {parts}?",
}
_PART: Texts = {
    "en": "{d} days {h} hours {m} minutes",
    "de": "{d} Tage {h} Stunden {m} Minuten",
    "fr": "{d} jours {h} heures {m} minutes",
    "es": "{d} días {h} horas {m} minutos",
}
_FURTHEST_DAYS = (3, 30, 90, 365, 1_500, 10_000)


def dates(random: Random, level: int, language: Language) -> Draft:
    """Asks for a date, a weekday or a duration."""
    if level == 0:
        return _weekday(random, level, language)
    return random.choice((_date, _weekday, _duration))(random, level, language)


def _span(random: Random, level: int) -> tuple[date, int]:
    start = date(2000, 1, 1) + timedelta(days=random.randrange(10_000))
    least = _FURTHEST_DAYS[level - 1] + 5 if level else 2
    return start, random.randint(least, _FURTHEST_DAYS[level])


def _date(random: Random, level: int, language: Language) -> Draft:
    start, days = _span(random, level)
    answer = (start + timedelta(days=days)).isoformat()
    return Draft(
        prompt=with_ending(language, _ASK_DATE[language].format(n=days, day=start)),
        checker=DateAnswer(answer),
        reference=Reply(answer_line(language, answer)),
    )


def _weekday(random: Random, level: int, language: Language) -> Draft:
    start, days = _span(random, level)
    names = WEEKDAYS[language]
    answer = names[(start.weekday() + days) % 7]
    ask = _ASK_WEEKDAY[language].format(n=days, day=start, weekday=names[start.weekday()])
    return Draft(
        prompt=with_ending(language, ask),
        checker=TextAnswer(answer, tuple(name for name in names if name != answer)),
        reference=Reply(answer_line(language, answer)),
    )


def _duration(random: Random, level: int, language: Language) -> Draft:
    parts, minutes = [], 0
    for _ in range(level):
        d, h, m = random.randint(2, 1 + 2 * level), random.randint(2, 23), random.randint(2, 59)
        parts.append(_PART[language].format(d=d, h=h, m=m))
        minutes += (d * 24 + h) * 60 + m
    return Draft(
        prompt=with_ending(language, _ASK_DURATION[language].format(parts="; ".join(parts))),
        checker=NumberAnswer(Fraction(minutes), language),
        reference=Reply(answer_line(language, minutes)),
    )
