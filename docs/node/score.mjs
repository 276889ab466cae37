// Scores a model that daskdl exported, without Python: node score.mjs model.onnx < rows.json > predictions.json
// rows.json is a list of objects by column: [{"age": 31, "town": "rome"}, ...]; what is absent or null is missing.
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";

const session = await ort.InferenceSession.create(readFileSync(process.argv[2]));
const rows = JSON.parse(readFileSync(0, "utf8"));

const feeds = {};
for (const input of session.inputMetadata) {
  const cells = rows.map((row) => row[input.name] ?? null);
  const shape = [rows.length, 1];
  if (input.type === "string") {
    feeds[input.name] = new ort.Tensor("string", cells.map((cell) => (cell === null ? "" : String(cell))), shape);
  } else {
    const Numbers = input.type === "float64" ? Float64Array : Float32Array;
    const values = Numbers.from(cells, (cell) => (cell === null ? NaN : Number(cell)));
    feeds[input.name] = new ort.Tensor(input.type, values, shape);
  }
}

const found = await session.run(feeds);
const answer = {};
for (const [name, tensor] of Object.entries(found)) {
  const width = tensor.dims.length > 1 ? tensor.dims[1] : 1;
  const cells = Array.from(tensor.data);
  answer[name] = width === 1 ? cells : rows.map((_, row) => cells.slice(row * width, (row + 1) * width));
}
process.stdout.write(JSON.stringify(answer) + "\n");
