// The clip: a slider and a button that runs through it. It stands still for those who asked for less motion.
const pictures = [...document.querySelectorAll(".clip img")];
const [button] = document.getElementsByTagName("button");
const [slider] = document.getElementsByTagName("input");
const [said] = document.getElementsByTagName("output");
let timer = null;

function show(number) {
  pictures.forEach((picture, i) => { picture.hidden = i !== number; });
  slider.value = number;
  said.textContent = pictures[number].title;
}

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => show((Number(slider.value) + 1) % pictures.length), 120) : null;
  button.textContent = on ? "Pause" : "Play";
}

slider.addEventListener("input", () => { play(false); show(Number(slider.value)); });
button.addEventListener("click", () => play(timer === null));
document.querySelector(".controls").hidden = false;
show(Number(slider.value));
play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
