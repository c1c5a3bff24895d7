"""Ways to say common words that the CMU dictionary lacks: as small words sound within a sentence, and other Englishes.

The weak forms are those of Wells 2008, "Longman Pronunciation Dictionary"; the others are there and in Merriam-Webster.
Only words that are likely in a command and unlike what the dictionary has: vowels that are weak anyway ("IH" for "AH")
are left to the network, and so are accents as a whole. Nothing as short as "of" without its V, which is heard in
everything: a search has to try more sentences then.
"""

from __future__ import annotations

from .dictionary import Pronunciation

_WEAK = """
and: AH N
as: AH Z
at: AH T
could: K AH D
had: HH AH D
have: HH AH V
just: JH AH S
should: SH AH D
want: W AA N
would: W AH D
your: Y ER
"""

_OTHERWISE = """
after: AA F T ER
almond: AA L M AH N D, AE L M AH N D, AO L M AH N D
almonds: AE L M AH N D Z, AO L M AH N D Z
answer: AA N S ER
ask: AA S K
aunt: AA N T
banana: B AH N AA N AH
bananas: B AH N AA N AH Z
bath: B AA TH
bathroom: B AA TH R UW M, B AE TH R UH M
bedroom: B EH D R UH M
can't: K AA N T
cappuccino: K AA P AH CH IY N OW, K AE P AH CH IY N OW
caramel: K AA R M AH L, K AE R AH M EH L
castle: K AA S AH L
chance: CH AA N S
chocolate: CH AA K L AH T, CH AO K AH L AH T
class: K L AA S
classroom: K L AA S R UW M, K L AE S R UH M
comfortable: K AH M F T ER B AH L
croissant: K W AA S AA N
dance: D AA N S
data: D AA T AH
dishwasher: D IH SH W AO SH ER
dog: D AA G
envelope: AA N V AH L OW P
espresso: IH S P R EH S OW
fast: F AA S T
faster: F AA S T ER
favourite: F EY V R AH T
february: F EH B R AH R IY, F EH B Y UH R IY
garage: G AH R AA ZH, G AH R AA JH, G AE R AA ZH, G AE R IH JH
glass: G L AA S
grass: G R AA S
half: HH AA F
herbs: HH ER B Z
internet: IH N ER N EH T
last: L AA S T
latte: L AE T EY
laugh: L AA F
library: L AY B ER IY
log: L AA G
mobile: M OW B AY L, M OW B IY L
mocha: M AA K AH
months: M AH N T S
mozzarella: M OW T S AH R EH L AH
orange: AA R IH N JH
past: P AA S T
pasta: P AE S T AH
path: P AA TH
plant: P L AA N T
plants: P L AA N T S
poor: P AO R
privacy: P R IH V AH S IY
process: P R OW S EH S
salmon: S AE L M AH N
schedule: SH EH JH UW L, S K EH JH AH L
second: S EH K AH N
seconds: S EH K AH N Z
sixth: S IH K TH
sure: SH AO R
temperature: T EH M P AH CH ER, T EH M P ER CH ER
thermostat: TH ER M OW S T AE T
tomorrow: T AH M AO R OW
tour: T AO R
tuesday: CH UW Z D EY
tune: T Y UW N, CH UW N
vacuum: V AE K Y UH M, V AE K UW M
vanilla: V AH N EH L AH
vitamin: V IH T AH M IH N
volume: V AA L Y AH M, V AO L Y UW M
wash: W AO SH
washer: W AO SH ER
washing: W AO SH IH NG
water: W AO D ER, W AA T ER
yogurt: Y AA G ER T
youtube: Y UW CH UW B
zebra: Z EH B R AH
"""


def _ways(lines: str) -> dict[str, tuple[Pronunciation, ...]]:
    pairs = (line.split(": ") for line in lines.split("\n") if line)
    return {word: tuple(tuple(way.split()) for way in ways.split(", ")) for word, ways in pairs}


MORE_WAYS = _ways(_WEAK) | _ways(_OTHERWISE)
"""Word -> ways to say it beside those of the dictionary, phones as the user writes them."""
