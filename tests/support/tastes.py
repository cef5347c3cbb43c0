"""Synthetic catalogues in which it is known what each person likes: some clusters of items, by taste."""

from dataclasses import dataclass

import numpy as np

WORDS = ("trail", "river", "snow", "summit", "forest", "coast", "cave", "desert")


@dataclass(frozen=True)
class Shop:
    """Items by cluster, and who chose what when, as (user, item, seconds)."""

    clusters: dict[str, str]
    rows: list[tuple[str, str, int]]

    def catalog(self) -> str:
        """The items as CSV: a name with a word of the cluster, the cluster as a tag."""
        lines = [
            f"{item},{WORDS[int(cluster)]} thing {number},{cluster}"
            for number, (item, cluster) in enumerate(self.clusters.items())
        ]
        return "\n".join(["id,name,kind", *lines]) + "\n"

    def table(self) -> str:
        """The interactions as CSV."""
        return "\n".join(["user,item,timestamp", *(f"{u},{i},{t}" for u, i, t in self.rows)]) + "\n"


def shop(seed, users=240, items=120, clusters=6, each=14, faithful=0.9):
    """Each person likes one cluster, and chooses from it `faithful` of the time; some items are popular."""
    source = np.random.default_rng(seed)
    of = {f"i{number}": str(number % clusters) for number in range(items)}
    names = list(of)
    weight = 1 / (1 + source.permutation(items)) ** 0.6
    rows = []
    for user in range(users):
        taste = str(user % clusters)
        liked = np.array([of[name] == taste for name in names])
        chance = weight * np.where(
            liked, faithful / weight[liked].sum(), (1 - faithful) / weight[~liked].sum()
        )
        chosen = source.choice(items, each, replace=False, p=chance)
        rows += [(f"u{user}", names[one], 1_700_000_000 + 60 * place) for place, one in enumerate(chosen)]
    return Shop(of, rows)
