// Asks the server's own REST interface; nothing else is fetched.
const at = (id) => document.getElementById(id);
const SHOWN = 10;
let models = [];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function chosen() {
  const model = models.find((one) => one.name === at("model").value);
  const number = Number(at("version").value);
  return { model, version: model?.versions.find((one) => one.number === number) };
}

async function load() {
  const before = chosen();
  models = await (await fetch("/tltf/models.json")).json();
  at("model").replaceChildren(
    ...models.map((one) => element("option", { value: one.name, textContent: one.name })),
  );
  if (models.some((one) => one.name === before.model?.name)) {
    at("model").value = before.model.name;
  }
  showVersions();
}

function showVersions() {
  const { model } = chosen();
  const options = (model?.versions ?? []).map(({ number }) => {
    const names = Object.keys(model.labels).filter((key) => model.labels[key] === number);
    const text = names.length ? `${number} (${names.sort().join(", ")})` : `${number}`;
    return element("option", { value: number, textContent: text });
  });
  at("version").replaceChildren(...options);
  showInputs();
}

function showInputs() {
  const { version } = chosen();
  at("about").textContent = version?.about ?? "";
  at("inputs").replaceChildren(
    ...(version?.inputs ?? []).map((name) =>
      name.endsWith("_bytes") ? imageField(name) : textField(name),
    ),
  );
  clear("No answer yet.");
}

function textField(name) {
  const id = `input-${name}`;
  const title = name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
  return element(
    "div", { className: "field" },
    element("label", { htmlFor: id, textContent: title }),
    element("textarea", { id, name }),
  );
}

function imageField(name) {
  const id = `input-${name}`;
  const input = element("input", { id, name, type: "file", accept: "image/*", className: "picked" });
  const words = element("span", { textContent: "Drop an image here, or choose one" });
  const drop = element("label", { htmlFor: id, className: "drop" }, words);
  const show = () => {
    const [file] = input.files;
    if (!file) return;
    const picture = element("img", { alt: "", src: URL.createObjectURL(file) });
    picture.onload = picture.onerror = () => URL.revokeObjectURL(picture.src);
    drop.replaceChildren(picture, element("span", { textContent: file.name }));
    ask();
  };
  input.addEventListener("change", show);
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    show();
  });
  return element("div", { className: "field" }, input, drop);
}

async function base64(file) {
  const reader = new FileReader();
  await new Promise((done, failed) => {
    reader.onload = done;
    reader.onerror = () => failed(new Error(`${file.name} cannot be read`));
    reader.readAsDataURL(file);
  });
  return reader.result.slice(reader.result.indexOf(",") + 1);
}

async function instance() {
  const found = {};
  for (const input of at("inputs").querySelectorAll("input, textarea")) {
    if (input.type === "file") {
      if (!input.files.length) throw new Error("Choose an image first.");
      found[input.name] = { b64: await base64(input.files[0]) };
    } else {
      if (!input.value.trim()) throw new Error(`Fill in ${input.name} first.`);
      found[input.name] = input.value;
    }
  }
  return found;
}

let turn = 0;
async function ask(event) {
  event?.preventDefault();
  const mine = ++turn; // an answer that a later question overtook is not shown
  at("ask").setAttribute("aria-disabled", "true");
  try {
    const { model, version } = chosen();
    if (!version) throw new Error("No model is served.");
    const body = JSON.stringify({ instances: [await instance()] });
    const url = `/v1/models/${encodeURIComponent(model.name)}/versions/${version.number}:predict`;
    const response = await fetch(url, { method: "POST", body });
    const found = await response.json();
    if (!response.ok) throw new Error(found.error ?? `The server said ${response.status}.`);
    if (mine === turn) show(found.predictions[0], version);
  } catch (error) {
    if (mine === turn) complain(error.message);
  } finally {
    if (mine === turn) at("ask").removeAttribute("aria-disabled");
  }
}

function clear(text) {
  at("error").hidden = true;
  at("answer").replaceChildren(element("p", { className: "note", textContent: text }));
}

function complain(message) {
  at("answer").replaceChildren();
  at("error").textContent = message;
  at("error").hidden = false;
  at("error").scrollIntoView({ block: "nearest" });
}

function show(answer, version) {
  at("error").hidden = true;
  at("error").textContent = "";
  const parts = Object.keys(version.classes).filter((name) => name);
  const made = parts.length
    ? parts.flatMap((name) => [
        element("h3", { textContent: name }),
        ...shown(ofPart(answer, name), version.classes[name]),
      ])
    : shown(answer, version.classes[""] ?? []);
  at("answer").replaceChildren(...made);
  at("answer").scrollIntoView({ block: "nearest" });
}

function ofPart(answer, part) {
  const names = Object.keys(answer).filter((name) => name.startsWith(`${part}_`));
  return Object.fromEntries(names.map((name) => [name.slice(part.length + 1), answer[name]]));
}

function shown(answer, classes) {
  const made = [];
  const said = best(answer, classes);
  if (said !== undefined) made.push(element("p", { className: "best", textContent: said }));
  const scores = answer?.scores;
  if (Array.isArray(scores) && scores.every((one) => typeof one === "number")) {
    made.push(bars(scores, classes));
  } else if (said === undefined) {
    made.push(element("pre", { textContent: JSON.stringify(answer, null, 2) }));
  }
  return made;
}

function best(answer, classes) {
  if (Array.isArray(answer?.accepted)) {
    const names = answer.accepted.flatMap((hit, k) => (hit ? [classes[k] ?? k] : []));
    return names.length ? names.join(", ") : "No label accepted";
  }
  if (Array.isArray(answer?.tags)) return answer.tags.filter(Boolean).join(" ");
  const said = typeof answer === "object" ? (answer.classes ?? answer.value) : answer;
  return typeof said === "number" ? String(Number(said.toPrecision(6))) : said;
}

function bars(scores, names) {
  const order = scores.map((_, k) => k).sort((a, b) => scores[b] - scores[a]).slice(0, SHOWN);
  const rows = order.map((k) => {
    const name = names[k] ?? `class ${k}`;
    const share = `${(100 * scores[k]).toFixed(1)} %`;
    const meter = element("meter", { min: 0, max: 1, value: scores[k], title: share });
    meter.setAttribute("aria-label", `${name}: ${share}`);
    return element(
      "tr", {},
      element("th", { scope: "row", textContent: name }),
      element("td", {}, meter),
      element("td", { className: "number", textContent: share }),
    );
  });
  const said = order.length < scores.length ? `The best ${order.length} of ${scores.length} labels` : "All labels";
  return element("table", {}, element("caption", { textContent: said }), element("tbody", {}, ...rows));
}

at("model").addEventListener("change", showVersions);
at("version").addEventListener("change", showInputs);
at("form").addEventListener("submit", ask);
load().catch(() => complain("The list of models cannot be read; is the server still running?"));
