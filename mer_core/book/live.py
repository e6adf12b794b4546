"""Controls that a reader moves, where there is a reader: a notebook that is only executed shows their first picture.

A front end says with every cell whether its reader can be asked something. Papermill, nbclient and nbval say no: there
a control would be of no use, and its messages are what such a run can wait for in vain.
"""

from collections.abc import Callable

from IPython import get_ipython
from IPython.display import HTML, display

NOTE = (
    '<p class="mer-live">A live control stands here: '
    "open this chapter as a notebook (<code>make lab</code>) to use it.</p>"
)


def controls(show: Callable[..., object], **values: object) -> None:
    """What `show` makes of its defaults; in a live notebook with a control for each of its arguments.

    `controls(face, unit=[1, 2, 4], strength=(0, 1.0))` offers a menu and a slider, as `ipywidgets.interact` does.
    """
    if has_reader():
        import ipywidgets

        ipywidgets.interact(show, **values)
    else:
        display(show(), HTML(NOTE))


def has_reader() -> bool:
    """Whether this cell was sent by somebody who can be asked something: `allow_stdin` of Jupyter's protocol."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin"))
