// The page that tries the API: reads the portal's own description and asks the portal, nobody else.
"use strict";

const words = JSON.parse(document.body.dataset.words);
const header = document.body.dataset.header;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function kindOf(schema) {
  return Array.isArray(schema.type) ? schema.type[0] : schema.type;
}

function inputFor(name, schema) {
  if (schema.contentMediaType) return element("input", { type: "file", name });
  if (kindOf(schema) === "boolean") {
    const choice = element("select", { name });
    for (const value of ["", "true", "false"]) choice.append(element("option", { value }, value));
    return choice;
  }
  const input = element("input", { type: kindOf(schema) === "integer" ? "number" : "text", name });
  if (schema.default !== undefined) input.placeholder = String(schema.default);
  return input;
}

function valueOf(input, schema) {
  const kind = kindOf(schema);
  if (kind === "boolean") return input.value === "true";
  if (kind === "integer" || kind === "number") return Number(input.value);
  if (kind === "string") return input.value;
  try {
    return JSON.parse(input.value);
  } catch {
    return kind === "array" ? input.value.split(",").map((each) => each.trim()) : input.value;
  }
}

function formFor(path, operation, safe) {
  const content = operation.requestBody.content;
  const schema = (content["multipart/form-data"] || content["application/json"]).schema;
  const needed = new Set(schema.required || []);
  const form = element("form", {});
  const inputs = [];
  const names = Object.keys(schema.properties).sort((a, b) => needed.has(b) - needed.has(a));
  for (const name of names) {
    const input = inputFor(name, schema.properties[name]);
    inputs.push([name, input, schema.properties[name]]);
    const label = element("label", {}, element("code", {}, name));
    if (needed.has(name)) label.append(` (${words.required})`);
    if (schema.properties[name].description) label.append(` ${schema.properties[name].description}`);
    label.append(input);
    form.append(label);
  }
  const more = element("textarea", { name: "", spellcheck: "false" });
  form.append(element("label", {}, words.more, more), element("button", {}, words.run));
  const answer = element("div", { "aria-live": "polite" });
  form.append(answer);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(path, inputs, more.value, answer);
  });
  return form;
}

function collected(inputs, more) {
  const body = more.trim() ? JSON.parse(more) : {};
  const files = {};
  for (const [name, input, schema] of inputs) {
    if (input.type === "file") {
      if (input.files.length) files[name] = input.files[0];
    } else if (input.value !== "") {
      body[name] = valueOf(input, schema);
    }
  }
  return [body, files];
}

function request(body, files) {
  const headers = {};
  const token = document.getElementById("token").value.trim();
  if (token) headers[header] = token;
  if (!Object.keys(files).length) {
    headers["Content-Type"] = "application/json";
    return { method: "POST", headers, body: JSON.stringify(body) };
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) form.append(name, typeof value === "string" ? value : JSON.stringify(value));
  for (const [name, file] of Object.entries(files)) form.append(name, file);
  return { method: "POST", headers, body: form };
}

async function run(path, inputs, more, answer) {
  let asked;
  try {
    asked = request(...collected(inputs, more));
  } catch {
    answer.replaceChildren(element("p", { class: "status" }, words.badjson));
    return;
  }
  try {
    const started = performance.now();
    const response = await fetch(path, asked);
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    answer.replaceChildren(
      element("p", { class: "status" }, `${words.answer}: ${response.status} · ${took} ms · ${response.headers.get("X-Request-Id")}`),
      element("pre", {}, pretty(text)),
    );
  } catch {
    answer.replaceChildren(element("p", { class: "status" }, words.failed));
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function entry(path, item) {
  const operation = item.post;
  const safe = Boolean(item.get);
  const kind = element("span", { class: safe ? "kind" : "kind writes" }, safe ? words.reads : words.writes);
  const summary = element("summary", {}, element("code", {}, operation.operationId), " ", kind, " ", element("span", { class: "told" }, operation.summary));
  const details = element("details", {}, summary, element("p", { class: "told" }, operation.description));
  details.dataset.text = `${operation.operationId} ${operation.description}`.toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.open && !details.querySelector("form")) details.append(formFor(path, operation, safe));
  });
  return details;
}

async function start() {
  const description = await (await fetch("/api/3/openapi.json")).json();
  const actions = document.getElementById("actions");
  for (const { name } of description.tags) {
    const section = element("section", {}, element("h2", {}, name));
    for (const [path, item] of Object.entries(description.paths)) {
      if (item.post.tags.includes(name)) section.append(entry(path, item));
    }
    actions.append(section);
  }
  document.getElementById("filter").addEventListener("input", (event) => {
    const text = event.target.value.trim().toLowerCase();
    for (const details of actions.querySelectorAll("details")) details.hidden = !details.dataset.text.includes(text);
    for (const section of actions.children) section.hidden = !section.querySelector("details:not([hidden])");
  });
}

start();
