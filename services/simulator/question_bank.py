"""Questions with a right answer and plausible wrong ones, written for the simulated pool."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOT_A_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; a model that does not know the right answer gives one of the wrong ones."""

    domain: str
    text: str
    right: str
    wrong: tuple[str, ...]


QUESTIONS = (
    Question(
        domain="maths",
        text="What is the sum of the first 100 positive integers?",
        right="It is 5050: pair 1 with 100, 2 with 99 and so on for 50 pairs that each make 101.",
        wrong=(
            "It is 5000: the average is 50, and there are 100 numbers.",
            "It is 5150: 100 times 103 divided by 2.",
        ),
    ),
    Question(
        domain="maths",
        text=(
            "A train covers 180 km in 2 hours and then 120 km in 3 hours. "
            "What is its average speed over the whole journey?"
        ),
        right="60 km/h: the whole journey is 300 km, and it takes 5 hours.",
        wrong=(
            "65 km/h: the two speeds are 90 and 40 km/h, and 65 is their mean.",
            "75 km/h: the longer part weighs more, so it is nearer to 90 km/h.",
        ),
    ),
    Question(
        domain="code",
        text="In Python, what does [1, 2, 3][-1:] evaluate to?",
        right="[3]: a slice from the last element to the end is a list with that one element.",
        wrong=(
            "3: index -1 is the last element.",
            "[]: a slice that starts at a negative index is empty.",
            "[3, 2, 1]: a negative number in a slice reverses the list.",
        ),
    ),
    Question(
        domain="code",
        text="What is the worst-case time complexity of binary search in a sorted array?",
        right="O(log n): every comparison halves the part of the array that is left.",
        wrong=(
            "O(n): in the worst case every element has to be looked at.",
            "O(n log n): the array has to be sorted as well.",
        ),
    ),
    Question(
        domain="law",
        text="In contract law, what is consideration?",
        right=(
            "Something of value that each party gives or promises in exchange for the other's "
            "promise; in common law a promise without it is usually not enforceable."
        ),
        wrong=(
            "The time that a party is given to think an offer over before accepting it.",
            "A court's review of whether the terms of a contract are fair.",
        ),
    ),
    Question(
        domain="biology",
        text="Which organelle makes most of the ATP in an animal cell?",
        right="The mitochondrion, by oxidative phosphorylation at its inner membrane.",
        wrong=(
            "The nucleus, which holds the genes for energy production.",
            "The ribosome, which builds ATP along with proteins.",
            "The chloroplast, by photosynthesis.",
        ),
    ),
    Question(
        domain="history",
        text="Which treaty ended the Thirty Years' War, and when?",
        right="The Peace of Westphalia, signed in Osnabrück and Münster in 1648.",
        wrong=(
            "The Treaty of Utrecht, signed in 1713.",
            "The Peace of Augsburg, signed in 1555.",
        ),
    ),
    Question(
        domain="physics",
        text="Why is the sky blue?",
        right=(
            "Air molecules scatter short wavelengths of sunlight far more than long ones "
            "(Rayleigh scattering), so blue light reaches us from every direction."
        ),
        wrong=(
            "The sky reflects the colour of the oceans.",
            "Ozone is a blue gas and colours the light that passes through it.",
        ),
    ),
    Question(
        domain="chemistry",
        text="What is the pH of pure water at 25 degrees Celsius, and why?",
        right=(
            "7: water splits into equal amounts of hydronium and hydroxide, each at "
            "1e-7 mol per litre, and pH is the negative decimal logarithm of the former."
        ),
        wrong=(
            "0: pure water contains no acid at all.",
            "14: the scale runs up to 14 for what is free of acid.",
        ),
    ),
    Question(
        domain="economics",
        text="What happens to the price of bonds when interest rates rise?",
        right=(
            "It falls: fixed payments are worth less beside new bonds that pay the higher rate, "
            "and the longer the bond runs the more so."
        ),
        wrong=(
            "It rises, because bonds then pay more interest.",
            "It stays the same, because a bond's payments are fixed.",
        ),
    ),
    Question(
        domain="medicine",
        text="Why do antibiotics not help against the common cold?",
        right=(
            "Colds are caused by viruses, and antibiotics act on structures of bacteria, such as "
            "the cell wall or bacterial ribosomes, that viruses do not have."
        ),
        wrong=(
            "They do help, but only when taken in the first two days.",
            "Cold viruses have become resistant to the common antibiotics.",
        ),
    ),
    Question(
        domain="philosophy",
        text="What does Kant's categorical imperative ask of us?",
        right=(
            "To act only on a maxim that we could at the same time will to be a universal law, "
            "and never to treat people merely as means."
        ),
        wrong=(
            "To choose the action that brings the greatest happiness to the greatest number.",
            "To cultivate virtues that lie between two extremes.",
        ),
    ),
)


def find_question(query: str) -> Question | None:
    """Returns the question of a query, ignoring case and punctuation; None if it is not known."""
    return _BY_WORDS.get(_words(query))


def _words(text: str) -> str:
    return _NOT_A_WORD.sub(" ", text.casefold()).strip()


_BY_WORDS = {_words(question.text): question for question in QUESTIONS}
