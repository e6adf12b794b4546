"""Everything peculiar to a licensed corpus, one file each. A corpus joins the book by its line in `SOURCES`."""

from mer_core.corpora.source import Source
from mer_core.named import find, names

SOURCES: dict[str, type[Source] | str] = {  # a module is imported when its corpus is asked for
    "casme2": "mer_core.corpora.sources.casme2:CASME2",
    "samm": "mer_core.corpora.sources.samm:SAMM",
    "smic": "mer_core.corpora.sources.smic:SMIC",
    "mmew": "mer_core.corpora.sources.mmew:MMEW",
    "casme_sq": "mer_core.corpora.sources.casme_sq:CASMESquared",
    "casme3": "mer_core.corpora.sources.casme3:CASMECubed",
    "macro": "mer_core.corpora.sources.macro:Macro",
    "own": "mer_core.corpora.sources.own:Own",
}
GROUP = "mer_core.corpora"  # of entry points


def source_names() -> list[str]:
    """What can be prepared: the book's sources, and those of installed packages."""
    return names(SOURCES, GROUP)


def find_source(name: str) -> type[Source]:
    """What is known of a corpus by its name, or by where its class stands: `mypkg.mine:MyCorpus`."""
    return find(name, SOURCES, GROUP, Source)
