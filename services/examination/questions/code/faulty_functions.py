"""Functions in a right form, with faults to put in, by level; capital words become numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from services.examination.questions.vocabulary import Texts

Values = list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyFunction:
    """A function of a list of whole numbers."""

    purpose: Texts
    right: str
    faults: tuple[tuple[str, str], ...]
    """Each is a part of the right form, and what stands there instead."""
    inputs: Callable[[Random], Values]


def _numbers(random: Random) -> Values:
    return [random.randint(-40, 99) for _ in range(random.randint(8, 14))]


def _steps(random: Random) -> Values:
    return [random.randint(0, 6) for _ in range(random.randint(8, 14))]


FUNCTIONS = {
    0: FaultyFunction(
        purpose={
            "en": "return the sum of all values, plus BONUS",
            "de": "die Summe aller Werte plus BONUS zurückgeben",
            "fr": "renvoyer la somme de toutes les valeurs, plus BONUS",
            "es": "devolver la suma de todos los valores, más BONUS",
        },
        right="""def NAME(values):
    return sum(values) + BONUS""",
        faults=(
            ("sum(values) + BONUS", "sum(values) - BONUS"),
            ("sum(values) + BONUS", "sum(values) * BONUS"),
            ("sum(values) + BONUS", "max(values) + BONUS"),
        ),
        inputs=_numbers,
    ),
    1: FaultyFunction(
        purpose={
            "en": "return the sum of all values above LIMIT, times FACTOR, plus BONUS",
            "de": "die Summe aller Werte über LIMIT, mal FACTOR, plus BONUS zurückgeben",
            "fr": "renvoyer la somme des valeurs au-dessus de LIMIT, fois FACTOR, plus BONUS",
            "es": "devolver la suma de los valores mayores que LIMIT, por FACTOR, más BONUS",
        },
        right="""def NAME(values):
    total = 0
    for value in values:
        if value > LIMIT:
            total += value
    return total * FACTOR + BONUS""",
        faults=(
            ("value > LIMIT", "value < LIMIT"),
            ("total += value", "total = value"),
            ("total * FACTOR + BONUS", "total * (FACTOR + BONUS)"),
        ),
        inputs=_numbers,
    ),
    2: FaultyFunction(
        purpose={
            "en": "return the largest sum of FACTOR neighbouring values, plus BONUS "
            "if it is above LIMIT",
            "de": "die größte Summe von FACTOR benachbarten Werten zurückgeben, plus BONUS, "
            "falls sie über LIMIT liegt",
            "fr": "renvoyer la plus grande somme de FACTOR valeurs voisines, plus BONUS "
            "si elle dépasse LIMIT",
            "es": "devolver la mayor suma de FACTOR valores contiguos, más BONUS "
            "si es mayor que LIMIT",
        },
        right="""def NAME(values):
    best = None
    for start in range(len(values) - FACTOR + 1):
        total = sum(values[start : start + FACTOR])
        if best is None or total > best:
            best = total
    return best + BONUS if best > LIMIT else best""",
        faults=(
            ("range(len(values) - FACTOR + 1)", "range(len(values) - FACTOR)"),
            ("start : start + FACTOR", "start : start + FACTOR - 1"),
            ("total > best", "total < best"),
        ),
        inputs=_numbers,
    ),
    3: FaultyFunction(
        purpose={
            "en": "return the length of the longest strictly rising subsequence (not only of "
            "neighbours) of the values modulo LIMIT, times FACTOR, plus BONUS",
            "de": "die Länge der längsten streng steigenden Teilfolge (nicht nur von Nachbarn) der "
            "Werte modulo LIMIT zurückgeben, mal FACTOR, plus BONUS",
            "fr": "renvoyer la longueur de la plus longue sous-suite strictement croissante (pas "
            "seulement de voisins) des valeurs modulo LIMIT, fois FACTOR, plus BONUS",
            "es": "devolver la longitud de la subsucesión estrictamente creciente más larga (no solo "
            "de vecinos) de los valores módulo LIMIT, por FACTOR, más BONUS",
        },
        right="""def NAME(values):
    values = [value % LIMIT for value in values]
    lengths = []
    for place, value in enumerate(values):
        before = [lengths[i] for i in range(place) if values[i] < value]
        lengths.append(1 + max(before, default=0))
    return max(lengths) * FACTOR + BONUS""",
        faults=(
            ("range(place) if", "range(place)[-1:] if"),
            ("values[i] < value", "values[i] <= value"),
            ("max(lengths)", "lengths[-1]"),
        ),
        inputs=_numbers,
    ),
    4: FaultyFunction(
        purpose={
            "en": "merge equal neighbours into pairs [value, count], keep pairs with a count up to "
            "FACTOR, and add BONUS to values above LIMIT",
            "de": "gleiche Nachbarn zu Paaren [Wert, Anzahl] zusammenfassen, Paare mit einer Anzahl "
            "bis FACTOR behalten und zu Werten über LIMIT BONUS addieren",
            "fr": "réunir les voisins égaux en paires [valeur, nombre], garder les paires dont le "
            "nombre va jusqu'à FACTOR, et ajouter BONUS aux valeurs au-dessus de LIMIT",
            "es": "reunir los vecinos iguales en pares [valor, cantidad], conservar los pares con "
            "cantidad hasta FACTOR y sumar BONUS a los valores mayores que LIMIT",
        },
        right="""def NAME(values):
    pairs = []
    for value in values:
        if pairs and pairs[-1][0] == value:
            pairs[-1][1] += 1
        else:
            pairs.append([value, 1])
    kept = [pair for pair in pairs if pair[1] <= FACTOR]
    return [[v + BONUS if v > LIMIT else v, count] for v, count in kept]""",
        faults=(
            ("pairs[-1][0] == value", "pairs[0][0] == value"),
            ("pair[1] <= FACTOR", "pair[1] >= FACTOR"),
            ("pairs.append([value, 1])", "pairs = [*pairs[1:], [value, 1]]"),
        ),
        inputs=_steps,
    ),
    5: FaultyFunction(
        purpose={
            "en": "each value is a longest jump forward; return the fewest jumps from the first to "
            "the last place times FACTOR, plus BONUS, and LIMIT if it cannot be reached; "
            "a jump from a place whose number (from 0) is a multiple of FACTOR counts twice",
            "de": "jeder Wert ist die größte Sprungweite nach vorn; die kleinste Zahl von Sprüngen "
            "vom ersten zum letzten Platz mal FACTOR plus BONUS zurückgeben, und LIMIT, falls er "
            "unerreichbar ist; ein Sprung von einem Platz, dessen Nummer (ab 0) ein Vielfaches von "
            "FACTOR ist, zählt doppelt",
            "fr": "chaque valeur est un saut maximal vers l'avant ; renvoyer le plus petit nombre de "
            "sauts de la première à la dernière place fois FACTOR, plus BONUS, et LIMIT si elle "
            "est inaccessible ; un saut depuis une place dont le numéro (à partir de 0) est un "
            "multiple de FACTOR compte double",
            "es": "cada valor es el salto máximo hacia delante; devolver el menor número de saltos "
            "del primer al último lugar por FACTOR, más BONUS, y LIMIT si es inalcanzable; un "
            "salto desde un lugar cuyo número (desde 0) es múltiplo de FACTOR cuenta doble",
        },
        right="""def NAME(values):
    costs = [0] + [None] * (len(values) - 1)
    for place, reach in enumerate(values):
        if costs[place] is None:
            continue
        cost = costs[place] + (2 if place % FACTOR == 0 else 1)
        for target in range(place + 1, min(place + reach, len(values) - 1) + 1):
            if costs[target] is None or cost < costs[target]:
                costs[target] = cost
    return LIMIT if costs[-1] is None else costs[-1] * FACTOR + BONUS""",
        faults=(
            ("cost < costs[target]", "cost > costs[target]"),
            ("min(place + reach, len(values) - 1)", "min(place + reach - 1, len(values) - 1)"),
            ("costs[place] + (2 if", "(2 if"),
        ),
        inputs=_steps,
    ),
}
