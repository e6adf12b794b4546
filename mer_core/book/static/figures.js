// Draws the figures whose JSON stands in the page, those in sight first; they follow the page's width and its light or
// dark theme, and fit the paper in print.
(() => {
  const READABLE = 4.5; // contrast of a text with what is behind it: level AA of WCAG
  const PAPER = 640; // pixels of 96 to the inch that fit between the margins of A4 and of Letter

  const parsed = (colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  // The colour, mixed with that of the page's text until it can be read on the page.
  const readable = (colour, ink, page) => {
    const [from, to] = [parsed(colour), parsed(ink)];
    const mixed = (share) => from.map((value, i) => Math.round(value + share * (to[i] - value)));
    const share = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].find((s) => contrast(mixed(s), page) > READABLE) ?? 1;
    return `rgb(${mixed(share)})`;
  };

  const theme = (layout) => {
    const ink = getComputedStyle(document.body).color;
    const page = parsed(getComputedStyle(document.body).backgroundColor);
    const look = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", "font.color": ink };
    (layout.annotations ?? []).forEach(({ font }, i) => {
      if (font?.color) look[`annotations[${i}].font.color`] = readable(font.color, ink, page);
    });
    return look;
  };

  const stored = (place) => JSON.parse(place.querySelector("script").textContent);
  const follow = (place) => Plotly.relayout(place, theme(stored(place).layout));

  // Writes a value to a path such as `annotations[0].font.color`.
  const put = (object, path, value) => {
    const keys = path.match(/[^.[\]]+/g);
    const last = keys.pop();
    keys.reduce((at, key) => (at[key] ??= {}), object)[last] = value;
  };

  const draw = async (place) => {
    const { data, layout, frames } = stored(place);
    (layout.sliders ?? []).forEach((slider) => (slider.pad = { r: 24, ...slider.pad })); // the last label is centred
    Object.entries(theme(layout)).forEach(([path, value]) => put(layout, path, value));
    await Plotly.newPlot(place, { data, layout, frames, config: { responsive: true, displaylogo: false } });
    new ResizeObserver(() => Plotly.Plots.resize(place)).observe(place); // fonts and styles may come late
    place.dataset.drawn = "";
  };

  const away = (place) => {
    const { top, bottom } = place.getBoundingClientRect();
    return Math.max(top - innerHeight, -bottom, 0);
  };
  const drawAll = async (places) => {
    const left = [...places];
    while (left.length) {
      left.sort((a, b) => away(a) - away(b)); // the reader may have moved on
      await draw(left.shift());
      await new Promise((done) => setTimeout(done)); // lets the page answer between two figures
    }
  };

  // A figure on paper is no wider than the paper.
  const drawn = () => document.querySelectorAll(".mer-figure[data-drawn]");
  const toPaper = (place) => {
    place.style.width = `${Math.min(PAPER, place.clientWidth)}px`;
    Plotly.relayout(place, { ...theme(stored(place).layout), width: place.clientWidth });
  };
  const toScreen = (place) => {
    place.style.width = "";
    Plotly.relayout(place, { width: null, autosize: true });
  };

  const start = () => {
    drawAll(document.querySelectorAll(".mer-figure"));
    const observer = new MutationObserver(() => drawn().forEach(follow));
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    addEventListener("beforeprint", () => drawn().forEach(toPaper));
    addEventListener("afterprint", () => drawn().forEach(toScreen));
  };

  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
