// Draws the figures whose JSON stands in the page, and follows the page's light or dark theme.
(() => {
  const theme = () => {
    const style = getComputedStyle(document.body);
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      "font.color": style.color,
    };
  };

  const draw = (place) => {
    const { data, layout, frames } = JSON.parse(place.querySelector("script").textContent);
    const config = { responsive: true, displaylogo: false };
    return Plotly.newPlot(place, { data, layout, frames, config }).then(() => Plotly.relayout(place, theme()));
  };

  const start = () => {
    const places = [...document.querySelectorAll(".mer-figure")];
    places.forEach(draw);
    new MutationObserver(() => places.forEach((place) => Plotly.relayout(place, theme()))).observe(
      document.documentElement,
      { attributes: true, attributeFilter: ["data-theme"] },
    );
  };

  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
