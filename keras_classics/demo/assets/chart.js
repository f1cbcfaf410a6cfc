// Hover and focus tell what a circle is; a click or Enter on a network asks for its stages.
const named = event => event.target.closest && event.target.closest("[data-name]");

function tell(event) {
  const mark = event.target.closest && event.target.closest("circle[data-told]");
  const tip = element.querySelector(".kc-tip");
  if (!tip) return;
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.told;
  const chart = tip.parentElement.getBoundingClientRect(), box = mark.getBoundingClientRect();
  const left = Math.min(Math.max(0, box.left + box.width / 2 - chart.left - tip.offsetWidth / 2), chart.width - tip.offsetWidth);
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${box.top - chart.top - tip.offsetHeight - 6}px`;
}

for (const kind of ["pointerover", "focusin", "focusout"]) element.addEventListener(kind, tell);
element.addEventListener("click", event => {
  if (named(event)) trigger("select", { name: named(event).dataset.name });
});
element.addEventListener("keydown", event => {
  if (event.target.matches("circle[data-name]") && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    trigger("select", { name: event.target.dataset.name });
  }
});
