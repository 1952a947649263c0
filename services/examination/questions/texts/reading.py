"""Facts of a text; a level has more people, from two at level 0, and asks by another fact from 3 on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.text_answer import TextAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    CITIES,
    NAMES,
    Language,
    Texts,
    answer_line,
    invented_words,
    with_ending,
)

if TYPE_CHECKING:
    from random import Random

_FACTS: Texts = {
    "en": "{name} lives in {city} and has a dog named {dog}.",
    "de": "{name} wohnt in {city} und hat einen Hund namens {dog}.",
    "fr": "{name} habite à {city} et a un chien nommé {dog}.",
    "es": "{name} vive en {city} y tiene un perro llamado {dog}.",
}
_FRIEND: Texts = {
    "en": "The best friend of {name} is {friend}.",
    "de": "Am engsten befreundet ist {name} mit {friend}.",
    "fr": "Pour {name}, la personne la plus proche est {friend}.",
    "es": "La mejor amistad de {name} es {friend}.",
}
_ASK_NAME: Texts = {
    "en": "What is the name of the dog of {name}?",
    "de": "Wie heißt der Hund von {name}?",
    "fr": "{name} a un chien : comment s'appelle-t-il ?",
    "es": "¿Cómo se llama el perro de {name}?",
}
_ASK_CITY: Texts = {
    "en": "What is the name of the dog of the best friend of the person who lives in {city}?",
    "de": "Wie heißt der Hund der Person, mit der die Person aus {city} am engsten befreundet ist?",
    "fr": "Quel est le nom du chien de la personne la plus proche de celle qui habite à {city} ?",
    "es": "¿Cómo se llama el perro de la mejor amistad de la persona que vive en {city}?",
}
_NOT_STATED: Texts = {
    "en": "not stated",
    "de": "nicht angegeben",
    "fr": "non indiqué",
    "es": "no consta",
}
_OR_ELSE: Texts = {
    "en": 'If the text does not say it, answer "not stated".',
    "de": 'Wenn der Text es nicht sagt, antworte "nicht angegeben".',
    "fr": 'Si le texte ne le dit pas, réponds "non indiqué".',
    "es": 'Si el texto no lo dice, responde "no consta".',
}
_MISSING_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    city: str
    dog: str


def reading(random: Random, level: int, language: Language) -> Draft:
    """Asks for the name of a dog, which the text may not state."""
    people = _people(random, 2 + 2 * level)
    asked, friend, *_ = people
    ask = _ASK_NAME[language].format(name=asked.name)
    answer = asked
    if level >= 3:
        ask, answer = _ASK_CITY[language].format(city=asked.city), friend
    is_missing = random.random() < _MISSING_SHARE
    stated = [person for person in people if not (is_missing and person == answer)]
    order = random.sample(stated, len(stated))
    sentences = [_FACTS[language].format(name=p.name, city=p.city, dog=p.dog) for p in order]
    if level >= 3:
        friends = zip(people, people[1:] + people[:1], strict=True)
        said = [_FRIEND[language].format(name=a.name, friend=b.name) for a, b in friends]
        sentences += random.sample(said, len(said))
    values = [*(person.dog for person in stated), _NOT_STATED[language]]
    expected = _NOT_STATED[language] if is_missing else answer.dog
    rivals = () if is_missing else tuple(each for each in values if each != expected)
    return Draft(
        prompt=with_ending(language, " ".join(sentences), f"{ask} {_OR_ELSE[language]}"),
        checker=TextAnswer(expected, rivals),
        reference=Reply(answer_line(language, expected)),
    )


def _people(random: Random, count: int) -> list[_Person]:
    names, cities = random.sample(NAMES, count), random.sample(CITIES, count)
    dogs = [word.capitalize() for word in invented_words(random, count)]
    return [_Person(*each) for each in zip(names, cities, dogs, strict=True)]
