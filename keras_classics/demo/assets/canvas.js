// Draws strokes and asks the server what they are, one question at a time; the last drawing is always asked about.
// A stroke is a list of points [x, y] in shares of the field.
const canvas = element.querySelector("canvas");
const answers = element.querySelector(".kc-answers");
const pen = canvas.getContext("2d");
const STEP = 1 / 28, PEN = 2.4 / 28;
let strokes = [], drawing = false, cursor = [0.5, 0.5], down = false, keyed = false, asking = false, again = false;

function paint() {
  const side = canvas.width;
  pen.fillStyle = "white";
  pen.fillRect(0, 0, side, side);
  pen.strokeStyle = pen.fillStyle = "black";
  pen.lineWidth = PEN * side;
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of strokes) {
    pen.beginPath();
    pen.moveTo(stroke[0][0] * side, stroke[0][1] * side);
    for (const [x, y] of stroke) pen.lineTo(x * side, y * side);
    pen.stroke();
  }
  if (keyed) {
    pen.strokeStyle = down ? "#d55e00" : "#0072b2";
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(cursor[0] * side, cursor[1] * side, PEN * side * 0.7, 0, 7);
    pen.stroke();
  }
}

async function ask() {
  if (asking) { again = true; return; }
  asking = true;
  do {
    again = false;
    try {
      answers.innerHTML = await server.read_drawing(strokes);
    } catch (error) {
      answers.innerHTML = '<p class="kc-alert" role="alert">The demo does not answer. Is it still running?</p>';
    }
  } while (again);
  asking = false;
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top].map((d, i) => Math.min(1, Math.max(0, d / (i ? box.height : box.width))));
}

canvas.addEventListener("pointerdown", event => {
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  drawing = true;
  keyed = down = false;
  strokes.push([place(event)]);
  paint();
});
canvas.addEventListener("pointermove", event => {
  if (!drawing) return;
  const stroke = strokes[strokes.length - 1], [x, y] = place(event), [a, b] = stroke[stroke.length - 1];
  if (Math.hypot(x - a, y - b) < STEP / 4) return;
  stroke.push([x, y]);
  paint();
  ask();
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => {
  if (drawing) ask();
  drawing = false;
});

function undo() { strokes.pop(); down = false; paint(); ask(); }
function clear() { strokes = []; down = false; paint(); ask(); }

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener("keydown", event => {
  const move = MOVES[event.key];
  if (move) {
    keyed = true;
    cursor = cursor.map((at, i) => Math.min(1, Math.max(0, at + move[i] * STEP)));
    if (down) { strokes[strokes.length - 1].push([...cursor]); ask(); }
  } else if (event.key === " ") {
    keyed = true;
    down = !down;
    if (down) { strokes.push([[...cursor]]); ask(); }
  } else if (event.key === "Backspace" || event.key === "Delete") undo();
  else if (event.key === "Escape") clear();
  else return;
  event.preventDefault();
  paint();
});
canvas.addEventListener("focus", () => { keyed = canvas.matches(":focus-visible"); paint(); });
canvas.addEventListener("blur", () => { keyed = false; paint(); });
element.addEventListener("click", event => {
  const button = event.target.closest("button[data-do]");
  if (button) (button.dataset.do === "undo" ? undo : clear)();
});
paint();
