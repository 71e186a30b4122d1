// Shows the sandbox's state and presses its buttons. Everything goes through /_sandbox.
"use strict";

const SYSTEMS = [
  { vendor: "acs", title: "IXC ACS", path: "/acs" },
  { vendor: "provider", title: "IXC Provider", path: "/provider" },
  { vendor: "akixi", title: "Akixi", path: "/akixi" },
  { vendor: "crm", title: "ISPCRM", path: "/crm" },
  { vendor: "axialys", title: "Axialys", path: "/phone" },
];
const ERP_COUNTS = { cliente: "customers", cliente_contrato: "contracts", radusuarios: "logins", acs_device: "ACS devices known" };
const FAULTS = [
  { label: "slow", kind: "latency", fields: { ms: 800 } },
  { label: "503", kind: "status", fields: { code: 503 } },
  { label: "HTML with 200", kind: "html_200", fields: {} },
  { label: "error with 200", kind: "error_200", fields: {} },
  { label: "429", kind: "rate_limit", fields: { retry_after_s: 2 } },
  { label: "cut before", kind: "cut_before", fields: {} },
  { label: "cut after it happened", kind: "cut_after", fields: {} },
  { label: "empty lists", kind: "empty_list", fields: {} },
  { label: "half pages", kind: "truncate_page", fields: {} },
  { label: "tokens die once", kind: "expire_token", fields: {} },
];
const EVENTS = [
  { label: "ACS webhooks lost", vendor: "acs", name: "webhook_lost", on: true, off: false },
  { label: "ACS webhooks doubled", vendor: "acs", name: "webhook_copies", on: 2, off: 1 },
  { label: "phone callbacks lost", vendor: "axialys", name: "lost_share", on: 1, off: 0 },
  { label: "callbacks doubled", vendor: "axialys", name: "copies", on: 2, off: 1 },
  { label: "callbacks backwards", vendor: "axialys", name: "order", on: "reversed", off: "kept" },
  { label: "number withheld", vendor: "axialys", name: "calling_number", on: "missing", off: "sent" },
];
const COUNT_NAMES = { calls_now: "telephone calls now", calls: "telephone calls", callback_urls: "callback URLs" };
const EVERY_MS = 1500;

const at = (id) => document.getElementById(id);
let subscriber = { index: 0, login: "", serial: "" };
let formFilled = false;

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "content-type": "application/json" };
  }
  const answer = await fetch(`/_sandbox/${path}`, options);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error || `answered ${answer.status}`);
  return data;
}

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

let hide = 0;
function notice(text) {
  at("notice").textContent = text;
  at("notice").classList.add("shown");
  clearTimeout(hide);
  hide = setTimeout(() => at("notice").classList.remove("shown"), 4000);
}

const DO = {
  ring: async (form) => {
    const begun = await call("POST", "axialys/incoming_call", {
      index: Number(form.get("index")), account_id: form.get("account_id"), scenario: form.get("scenario"),
    });
    return `${begun.calling_number} is ringing ${begun.account_id}`;
  },
  delete_device: async (form) => {
    const serial = form.get("serial").trim() || subscriber.serial;
    const gone = await call("DELETE", `acs/devices/${encodeURIComponent(serial)}`);
    return `${serial} deleted; the ERP dropped ${gone.erp_rows_dropped} row(s)`;
  },
  mass_delete: async (form) => {
    const gone = await call("POST", "acs/mass_delete", { count: Number(form.get("count")) });
    return `${gone.deleted} devices deleted without a word, ${gone.left} left`;
  },
  unlink: async (form) => {
    const login = form.get("login").trim() || subscriber.login;
    await call("POST", `provider/logins/${encodeURIComponent(login)}`, { unlink: "S" });
    return `${login} has no device in the ERP any more`;
  },
  advance: async (form) => {
    const moved = await call("POST", "clock", { advance_s: Number(form.get("advance_s")) });
    return `the world's clock says ${moved.now}`;
  },
  reset: async (form) => {
    const options = { devices: Number(form.get("devices")), seed: Number(form.get("seed")), fresh: form.get("fresh") === "on" };
    await call("POST", "reset", options);
    subscriber.index = 0;
    return "a new ISP";
  },
  look: async (form) => look(Number(form.get("index"))),
};

async function look(index) {
  const known = await call("GET", `subscribers/${index}`);
  subscriber = { index, login: known.login, serial: known.acs.serials[0] || "" };
  document.querySelector("[name=serial]").placeholder = subscriber.serial || "no device";
  document.querySelector("[name=login]").placeholder = subscriber.login;
  const { provider, acs, akixi = {}, crm = {}, axialys = {} } = known;
  const linked = provider.acs_devices.length ? `, linked to ${provider.acs_devices.join(", ")}` : ", linked to no device";
  const rows = [
    ["person", `${known.name ?? "deleted"}, CPF ${known.cpf ?? "-"}`],
    ["phones", known.phones.join(", ")],
    ["IXC ACS", `${acs.serials.join(", ") || "no device"} with login ${known.login}`],
    ["IXC Provider", `customer ${provider.customer_id}, contract ${provider.contract_id}, login ${provider.login_id} (${provider.active ? "active" : "not active"})${linked}`],
    ["Akixi", `device ${akixi.device_number}, server ${akixi.tel_sys_id}, ${(akixi.integrator_clients || []).length} integrator client(s)`],
    ["ISPCRM", crm.radius_id ? `user ${crm.radius_id}, ${crm.customer_id}, ${crm.status}, ${crm.profile_name}, until ${crm.expiration ?? "-"}` : "no user"],
    ["Axialys", `account ${axialys.account_id}, number ${axialys.number}`],
  ];
  at("subscriber").replaceChildren(...rows.flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
  return "";
}

function showSystems(world, summary) {
  const cards = SYSTEMS.map(({ vendor, title, path }) => {
    const card = element("article", "", { class: "system" });
    const heading = element("h2", title);
    heading.append(element("code", path));
    const counts = { ...world.vendor_counts[vendor] };
    if (vendor === "acs") counts.devices = world.counts.acs_devices_in_acs;
    if (vendor === "provider") for (const [table, name] of Object.entries(ERP_COUNTS)) counts[name] = world.counts[table];
    counts["requests"] = summary.by_vendor[vendor] || 0;
    const list = element("dl");
    for (const [name, count] of Object.entries(counts)) {
      list.append(element("dt", COUNT_NAMES[name] || name.replaceAll("_", " ")), element("dd", Number(count).toLocaleString("en")));
    }
    card.append(heading, list);
    return card;
  });
  at("systems").replaceChildren(...cards);
  if (!formFilled) {
    for (const name of ["devices", "seed"]) document.querySelector(`[data-do=reset] [name=${name}]`).value = world.options[name];
    formFilled = true;
  }
  at("about").textContent = `One fictional ISP, seed ${world.options.seed}, ${world.options.devices.toLocaleString("en")} devices at the start. `
    + `The world's clock says ${world.now.replace("T", " ").slice(0, 19)} UTC. Everything here is invented.`;
}

function rows(id, items, columns, empty) {
  const made = items.map((item) => {
    const row = element("tr");
    for (const column of columns) row.append(column(item));
    return row;
  });
  if (!made.length) {
    const row = element("tr");
    row.append(element("td", empty, { class: "empty", colspan: columns.length }));
    made.push(row);
  }
  at(id).replaceChildren(...made);
}

const time = (iso) => iso.slice(11, 19);

function showRequests(log, summary) {
  at("total").textContent = summary.total ? `${summary.total.toLocaleString("en")} since the start` : "";
  rows("requests", log.items.reverse(), [
    (e) => element("td", time(e.at)),
    (e) => element("td", e.vendor),
    (e) => element("td", e.operation),
    (e) => element("td", e.key, { class: "key", title: e.key }),
    (e) => element("td", e.effect, { class: `effect-${e.effect}` }),
    (e) => element("td", `${e.status || ""} ${e.outcome}`, { class: `told-${e.outcome}` }),
  ], "Nobody has called yet. Point a connection at one of the systems above.");
}

function press(label, path) {
  const button = element("button", label, { class: "small", type: "button" });
  button.addEventListener("click", () => act(async () => { await call("POST", path, {}); return ""; }));
  return button;
}

function showCalls(calls) {
  rows("calls", calls.items, [
    (c) => element("td", time(c.started_at)),
    (c) => element("td", c.call_id),
    (c) => element("td", c.calling_number),
    (c) => element("td", c.called_number),
    (c) => element("td", c.state === "ended" ? `${c.status}, ${c.billable_duration} s` : c.state),
    (c) => {
      const cell = element("td");
      if (c.state === "ringing") cell.append(press("answer", `axialys/calls/${c.call_id}/connect`), " ");
      if (c.state !== "ended") cell.append(press("end", `axialys/calls/${c.call_id}/end`));
      return cell;
    },
  ], "No telephone has rung yet.");
}

function toggle(label, pressed, extra, flip) {
  const button = element("button", label, { type: "button", "aria-pressed": String(pressed) });
  if (extra) button.append(" ", element("b", extra));
  button.addEventListener("click", () => act(flip));
  return button;
}

function showFaults(faults, settings) {
  const vendor = at("fault_vendor").value;
  const shown = new Set();
  at("faults").replaceChildren(...FAULTS.map(({ label, kind, fields }) => {
    const armed = faults.items.find((f) => f.kind === kind && f.vendor === vendor);
    if (armed) shown.add(armed.id);
    return toggle(label, Boolean(armed), armed ? `×${armed.hits}` : "", async () => {
      if (armed) await call("DELETE", `faults/${armed.id}`);
      else await call("POST", "faults", { kind, vendor, ...fields });
      return "";
    });
  }));
  at("events").replaceChildren(...EVENTS.filter((e) => e.name in (settings[e.vendor] || {})).map((e) => {
    const pressed = settings[e.vendor][e.name] === e.on;
    return toggle(e.label, pressed, "", async () => {
      await call("POST", "settings", { [e.vendor]: { [e.name]: pressed ? e.off : e.on } });
      return "";
    });
  }));
  const others = faults.items.filter((f) => !shown.has(f.id));
  at("other_faults").textContent = others.length
    ? `Also armed: ${others.map((f) => `${f.kind} on ${f.vendor} ×${f.hits}`).join(", ")}` : "";
}

async function refresh() {
  const [world, summary, log, faults, settings, calls] = await Promise.all([
    call("GET", "world"), call("GET", "requests/summary"), call("GET", "requests?last=60"),
    call("GET", "faults"), call("GET", "settings"), call("GET", "axialys/calls?limit=20"),
  ]);
  showSystems(world, summary);
  showRequests(log, summary);
  showCalls(calls);
  showFaults(faults, settings);
}

async function act(work) {
  try {
    const text = await work();
    if (text) notice(text);
    await Promise.all([refresh(), look(subscriber.index)]);
  } catch (error) {
    notice(error.message);
  }
}

async function keepFresh() {
  try {
    if (!document.hidden) await refresh();
  } catch {
    at("about").textContent = "The sandbox does not answer.";
  }
  setTimeout(keepFresh, EVERY_MS);
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(() => DO[form.dataset.do](new FormData(form)));
  });
}
at("fault_vendor").append(element("option", "every system", { value: "*" }),
  ...SYSTEMS.map(({ vendor, title }) => element("option", title, { value: vendor })));
at("fault_vendor").addEventListener("change", () => act(async () => ""));
act(async () => "");
keepFresh();
