// What a page asks for in its address (`?slides`, `?handout`: see book.css), paper, formulas, and names for controls
// without one.
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search);
  for (const look of ["slides", "handout"]) root.classList.toggle(look, asked.has(look));

  // Paper is light. Captured, so that figures find the theme changed when they take their colours.
  let onScreen = null;
  const toPaper = () => {
    onScreen = root.dataset.theme;
    root.dataset.theme = "light";
  };
  const toScreen = () => (root.dataset.theme = onScreen);
  addEventListener("beforeprint", toPaper, { capture: true });
  addEventListener("afterprint", toScreen);

  // Formulas are set when the first figure has been painted: set before, they would keep it back by half a second.
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const pageReady = () => painted().then(() => MathJax.startup.defaultPageReady());
  window.MathJax = { ...window.MathJax, startup: { ...window.MathJax?.startup, pageReady } };

  // A wide table scrolls by the keyboard, too.
  const reach = new ResizeObserver((boxes) => {
    for (const { target } of boxes) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
  });
  for (const box of document.querySelectorAll(".pst-scrollable-table-container")) reach.observe(box);

  for (const arrow of document.querySelectorAll(".bd-links summary")) {
    const part = arrow.closest("li").querySelector("a");
    arrow.setAttribute("aria-label", `Pages of: ${part.textContent.trim()}`);
  }
})();
