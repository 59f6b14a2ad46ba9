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

// A text in which `names` stand between backticks.
function told(text, attributes = {}) {
  const parts = text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));
  return element("span", { class: "told", ...attributes }, ...parts);
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
    if (schema.properties[name].description) label.append(" ", told(schema.properties[name].description));
    label.append(input);
    form.append(label);
  }
  const more = element("textarea", { name: "", spellcheck: "false" });
  form.append(element("label", {}, words.more, more), element("button", {}, words.run));
  const answer = element("div", { class: "answer", "aria-live": "polite" });
  form.append(answer);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (safe) history.replaceState(null, "", addressOf(path, inputs));
    run(path, inputs, more.value, answer);
  });
  return form;
}

// An address that opens the action with what is filled in, and runs it, for calls that only read; never with the token.
function addressOf(path, inputs) {
  const filled = inputs.filter(([, input]) => input.type !== "file" && input.value !== "");
  const query = new URLSearchParams(filled.map(([name, input]) => [name, input.value]));
  return `#${path.split("/").pop()}${filled.length ? `?${query}` : ""}`;
}

function opened() {
  const [name, query] = decodeURI(location.hash.slice(1)).split(/\?(.*)/s);
  const details = name && document.getElementById(name);
  if (!details) return;
  details.hidden = details.parentElement.hidden = false;
  details.unfold();
  details.open = true;
  details.scrollIntoView();
  if (query === undefined) return;
  const form = details.querySelector("form");
  for (const [key, value] of new URLSearchParams(query)) if (form.elements[key]) form.elements[key].value = value;
  if (details.dataset.safe) form.requestSubmit();
}

// The call as a line for a terminal; a token is named, not shown.
function commandOf(path, body, files) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const token = document.getElementById("token").value.trim() ? ` -H "${header}: $TOKEN"` : "";
  const fields = Object.entries(body).map(([name, value]) => ` -F ${quoted(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)}`);
  const sent = Object.entries(files).map(([name, file]) => ` -F ${quoted(`${name}=@${file.name}`)}`);
  const json = ` -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`;
  return `curl${token}${sent.length ? fields.concat(sent).join("") : json} ${location.origin}${path}`;
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
  let command;
  try {
    const [body, files] = collected(inputs, more);
    asked = request(body, files);
    command = commandOf(path, body, files);
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
      element("pre", { class: "command", tabindex: "0" }, command),
      element("pre", { tabindex: "0" }, pretty(text)),
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
  const summary = element("summary", {}, element("code", {}, operation.operationId), " ", kind, " ", told(operation.summary));
  const details = element("details", { id: operation.operationId }, summary, element("p", {}, told(operation.description)));
  details.dataset.text = `${operation.operationId} ${operation.description}`.toLowerCase();
  if (safe) details.dataset.safe = "yes";
  details.unfold = () => {
    if (!details.querySelector("form")) details.append(formFor(path, operation, safe));
  };
  details.addEventListener("toggle", () => details.open && details.unfold());
  return details;
}

function narrowed(text) {
  const wanted = text.trim().toLowerCase().split(/\s+/);
  const all = [...document.querySelectorAll("#actions details")];
  for (const details of all) details.hidden = !wanted.every((word) => details.dataset.text.includes(word));
  for (const section of document.getElementById("actions").children) section.hidden = !section.querySelector("details:not([hidden])");
  const left = all.filter((details) => !details.hidden).length;
  document.getElementById("count").textContent = `${left} / ${all.length} ${words.actions}`;
}

async function start() {
  const actions = document.getElementById("actions");
  let description;
  try {
    description = await (await fetch("/api/3/openapi.json")).json();
  } catch {
    actions.replaceChildren(element("p", { class: "status" }, words.failed));
    return;
  }
  for (const { name } of description.tags) {
    const section = element("section", {}, element("h2", {}, name));
    for (const [path, item] of Object.entries(description.paths)) {
      if (item.post.tags.includes(name)) section.append(entry(path, item));
    }
    actions.append(section);
  }
  const filter = document.getElementById("filter");
  document.getElementById("start").addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", () => narrowed(filter.value));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    filter.focus();
  });
  narrowed(filter.value);
  addEventListener("hashchange", opened);
  opened();
}

start();
