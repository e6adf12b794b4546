// Draws the figures whose JSON stands in the page; they follow the page's width and its light or dark theme.
(() => {
  const theme = () => ({
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    "font.color": getComputedStyle(document.body).color,
  });

  const draw = async (place) => {
    const { data, layout, frames } = JSON.parse(place.querySelector("script").textContent);
    await Plotly.newPlot(place, { data, layout, frames, config: { responsive: true, displaylogo: false } });
    await Plotly.relayout(place, theme());
    new ResizeObserver(() => Plotly.Plots.resize(place)).observe(place); // fonts and styles may come late
  };

  const start = () => {
    const places = [...document.querySelectorAll(".mer-figure")];
    places.forEach(draw);
    const follow = () => places.forEach((place) => Plotly.relayout(place, theme()));
    new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };

  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
