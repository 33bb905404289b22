/**
 * What moves the face on the page of `acr shape show`. Plain JavaScript that reads its data from the page: the face is
 * mean + Σ value_i · deviation_i · mode_i.
 */
export const SHAPE_PAGE_SCRIPT = `
const data = JSON.parse(document.getElementById("model").textContent);
const sliders = [...document.querySelectorAll("input[type=range][data-mode]")];
const lines = [...document.querySelectorAll("#face path.now")];
const dots = [...document.querySelectorAll("#face circle")];
function draw() {
  const shape = data.mean.slice();
  sliders.forEach((slider, i) => {
    const value = Number(slider.value);
    const text = (value < 0 ? "\\u2212" : "+") + Math.abs(value).toFixed(1) + " \\u03c3";
    slider.setAttribute("aria-valuetext", text.replace("\\u03c3", "standard deviations"));
    slider.nextElementSibling.textContent = text;
    data.modes[i].forEach((v, q) => { shape[q] += value * data.deviations[i] * v; });
  });
  const at = (k) => shape[2 * k].toFixed(4) + " " + shape[2 * k + 1].toFixed(4);
  data.contours.forEach(({ landmarks, isClosed }, i) => {
    lines[i].setAttribute("d", "M" + landmarks.map(at).join("L") + (isClosed ? "Z" : ""));
  });
  dots.forEach((dot, k) => { dot.setAttribute("cx", shape[2 * k]); dot.setAttribute("cy", shape[2 * k + 1]); });
}
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
document.getElementById("mean").addEventListener("click", () => { sliders.forEach((s) => { s.value = 0; }); draw(); });
document.getElementById("random").addEventListener("click", () => {
  sliders.forEach((s) => { s.value = Math.max(-3, Math.min(3, normal())); });
  draw();
});
for (const slider of sliders) slider.addEventListener("input", draw);
document.getElementById("controls").hidden = false;
draw();
`;
