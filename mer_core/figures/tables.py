"""A table of words: as HTML, since pandas cuts a text after fifty letters."""

import pandas as pd
from IPython.display import HTML


def table(frame: pd.DataFrame, *, index: bool = True) -> HTML:
    """The frame with its texts in full; what is missing is a dash."""
    with pd.option_context("display.max_colwidth", None):
        return HTML(frame.to_html(border=0, na_rep="–", index=index))
