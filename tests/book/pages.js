// What test_pages.py asks of a page from within: `watch`, there before the page's own scripts.
window.watch = (() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  let shift = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
  });
  observer.observe({ type: "layout-shift", buffered: true });

  // Resolves when every figure and formula is drawn.
  const drawn = async () => {
    while (document.readyState !== "complete" || all(".mer-figure:not([data-drawn])").length) {
      await new Promise((done) => setTimeout(done, 20));
    }
    await window.MathJax?.startup?.promise;
    await document.fonts.ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  };

  const rgba = (colour) => (colour.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  // Texts of figures that stand on the page itself (not on a bar or a cell, where Plotly chooses their colour).
  const faintTexts = () => {
    const page = rgba(getComputedStyle(document.body).backgroundColor).slice(0, 3);
    const texts = all(".mer-figure svg text").filter(
      (text) => text.textContent.trim() && isSeen(text) && !text.closest(".bartext-inside, .heatmap-label, .hm .text"),
    );
    const faint = texts.filter((text) => contrast(rgba(getComputedStyle(text).fill).slice(0, 3), page) < 4.5);
    return [...new Set(faint.map((text) => `${text.textContent} ${getComputedStyle(text).fill} on ${page}`))];
  };

  const tooWide = (selector, limit) =>
    all(selector)
      .filter((one) => isSeen(one) && one.getBoundingClientRect().right > limit + 1)
      .map((one) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`);

  const measure = () => ({
    title: document.title,
    shift,
    figures: all(".mer-figure").length,
    undrawn: all(".mer-figure").filter((figure) => !figure.querySelector(".main-svg")).length,
    unsaid: all(".mer-figure").filter((figure) => figure.ariaLabel.length <= 20).length,
    silent: all(".mer-figure").filter((figure) => !figure.querySelector("noscript")?.textContent.trim()).length,
    unset: all(".math").filter((formula) => !formula.querySelector("mjx-container")).length,
    width: document.documentElement.scrollWidth,
    wideFigures: all(".mer-figure").filter(
      (figure) => figure.querySelector(".main-svg").getBoundingClientRect().width > figure.clientWidth + 1,
    ).length,
    faint: faintTexts(),
    bytes: performance
      .getEntries()
      .filter((entry) => entry.decodedBodySize)
      .map((entry) => [entry.name, entry.decodedBodySize]),
  });

  // What the page measures when its reader has switched to the other theme, and its figures have followed.
  const switched = async () => {
    const { dataset } = document.documentElement;
    const before = getComputedStyle(document.body).backgroundColor;
    dataset.theme = dataset.theme === "dark" ? "light" : "dark";
    const ink = () => getComputedStyle(document.body).color;
    const followed = () => all(".mer-figure").every(({ layout }) => layout.font.color === ink());
    while (getComputedStyle(document.body).backgroundColor === before || !followed()) {
      await new Promise((done) => setTimeout(done, 20));
    }
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return measure();
  };

  // The paper is as wide as the window now: what does not fit, and what no reader of paper needs.
  const paper = () => {
    dispatchEvent(new Event("beforeprint"));
    const found = {
      cut: tooWide(".bd-article pre, .bd-article table, .bd-article img, .bd-article .main-svg, mjx-container", innerWidth),
      menus: all(".bd-sidebar, .bd-header-article, .prev-next-footer, .copybtn, .modebar, .toggle-button").filter(isSeen).length,
      dark: document.documentElement.dataset.theme === "dark",
      solutions: all(".solution section").filter((one) => !isSeen(one)).length,
    };
    dispatchEvent(new Event("afterprint"));
    return found;
  };

  // Makes the page small enough for axe: without drawings, one piece of code of each colour, the first of many entries.
  const thin = () => {
    all(".mer-figure svg").forEach((drawing) => drawing.remove());
    const kept = new Set();
    const spans = all(".highlight span:not(:has(*))").map((span) => {
      const { color, backgroundColor } = getComputedStyle(span);
      return [span, [span.className, color, backgroundColor].join()];
    });
    for (const [span, look] of spans) kept.has(look) ? span.remove() : kept.add(look);
    for (const kind of ["dl.function", "dl.class", "dl.method", "dl.attribute"]) {
      all(kind).slice(6).forEach((entry) => entry.remove());
    }
    for (const table of all("table")) [...table.rows].slice(6).forEach((row) => row.remove());
  };

  const picture = (figure) =>
    all(".cartesianlayer", figure)
      .map((layer) => layer.outerHTML)
      .join();

  // Every box of code and of output that scrolls can be reached by the keyboard.
  const reachable = () =>
    all("pre, .cell_output > .output").every((box) => box.scrollWidth <= box.clientWidth || box.tabIndex === 0);

  return { drawn, measure, switched, paper, thin, reachable, picture };
})();
