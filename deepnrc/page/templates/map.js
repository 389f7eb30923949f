"use strict";
const NS = "http://www.w3.org/2000/svg";
const VIRIDIS = ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const ORANGES = ["#fff5eb", "#fdd0a2", "#fd8d3c", "#d94801", "#7f2704"];
const SAID = { d: "degenerate", n: "not defined", f: "at or below the numerical floor", w: "too narrow to tell, d < 2k", "-": "no such layer" };

const element = (name, attributes, text) => {
  const made = document.createElementNS(NS, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
};
const printed = (value) => {
  if (value === null) return "–";
  const number = Number(value), size = Math.abs(number);
  if (!isFinite(number)) return number > 0 ? "∞" : "-∞";
  return size !== 0 && (size < 1e-2 || size >= 1e4) ? number.toExponential(1).replace("e+", "e") : String(Number(number.toPrecision(3)));
};
const mixed = (stops, place) => {
  const at = Math.min(1, Math.max(0, place)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at));
  const part = (hex, k) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
  return [0, 1, 2].map((k) => Math.round(part(stops[i], k) + (at - i) * (part(stops[i + 1], k) - part(stops[i], k))));
};
const directed = (measure) => Boolean(measure.better || measure.level);
const placed = (measure, value) => {
  const on = (x) => (measure.log ? Math.log10(x) : x);
  const along = (x) => (on(Math.max(measure.low, Math.min(measure.high, Number(x)))) - on(measure.low)) / (on(measure.high) - on(measure.low) || 1);
  const place = along(value);
  if (measure.level) {
    const [low, high] = measure.level.map(along);
    return Math.max(low - place, place - high, 0) / (Math.max(low, 1 - high) || 1);
  }
  return measure.better === "high" ? 1 - place : place;
};

for (const figure of document.querySelectorAll("figure.map")) {
  const data = JSON.parse(figure.dataset.cells);
  const choice = (name) => figure.querySelector(`select[name=${name}]`);
  const [what, who, when] = ["measure", "run", "step"].map(choice);
  const plate = figure.querySelector(".plate"), told = figure.querySelector("output"), about = figure.querySelector(".about");
  let shown = [];

  const option = (select, value, text) => select.add(new Option(text, value));
  data.measures.forEach((measure, i) => option(what, i, measure.title));
  option(what, "all", "all main measures side by side");
  if (data.runs.length > 1) option(who, "all", "all runs");
  data.runs.forEach((run, i) => option(who, i, run.run));
  const steps = [...new Set(data.runs.flatMap((run) => run.steps))].sort((a, b) => a - b);
  if (steps.length > 1) option(when, "all", "all steps");
  option(when, "last", data.runs.length > 1 ? "last step of each run" : "last step");
  if (steps.length > 1) steps.forEach((step) => option(when, step, `step ${step}`));
  if (steps.length === 1) what.value = "all";

  const chosen = () => (who.value === "all" ? data.runs.map((_, i) => i) : [Number(who.value)]);
  const at = (run) => (when.value === "last" || when.value === "all" ? run.steps.length - 1 : run.steps.indexOf(Number(when.value)));
  const cell = (m, r, s, l) => {
    const held = m.cells[r], run = data.runs[r];
    if (s < 0) return { value: null, how: "-", said: "" };
    return { value: held.v[s][l], how: held.s[s][l], verdict: run.verdicts.length ? run.verdicts[s][l] : "" };
  };

  const panels = () => {
    const all = what.value === "all";
    const names = data.main.length ? data.measures.filter((m) => data.main.includes(m.name)) : data.measures;
    if (!all && when.value !== "all" && chosen().length > 1) {
      const m = data.measures[what.value], deepest = Math.max(...chosen().map((r) => data.runs[r].layers.length));
      const same = data.runs[chosen()[0]];
      return [{ title: m.title, run: same, rows: Array.from({ length: deepest }, (_, l) => same.layers[l] ?? `depth ${l}`), across: "run",
        columns: chosen().map((r) => ({ label: data.runs[r].run, m, r, s: at(data.runs[r]) })) }];
    }
    return chosen().map((r) => {
      const run = data.runs[r];
      const columns = all
        ? names.map((m) => ({ label: m.title, m, r, s: at(run) }))
        : (when.value === "all" ? run.steps.map((_, s) => s) : [at(run)]).map((s) => ({ label: s < 0 ? "" : String(run.steps[s]), m: data.measures[what.value], r, s }));
      const step = at(run) < 0 ? "not measured" : `step ${run.steps[at(run)]}`;
      return { title: all || when.value !== "all" ? `${run.run}, ${step}` : run.run, run, rows: run.layers, columns, across: all ? "measure" : "step" };
    });
  };

  const drawn = (panel, width) => {
    const { rows, columns } = panel, folded = rows.length > 24, phone = width < 500;
    const names = folded ? panel.run.stages.map(([name]) => name || "all") : rows;
    const most = phone ? 14 : 26, short = (text, length) => (text.length > length ? text.slice(0, length / 3) + "…" + text.slice(1 - length + length / 3) : text);
    const steep = panel.across === "measure" || panel.across === "run";
    const named = 12 + 6.6 * Math.max(...names.map((name) => Math.min(most, name.length)));
    const left = steep ? Math.max(named, 5.2 * Math.min(34, columns[0].label.length) - 12) : named; // its foot leans to the left
    const foot = steep ? 14 + 4.6 * Math.min(34, Math.max(...columns.map((c) => c.label.length))) : 34;
    const wide = Math.min(panel.across === "step" ? 64 : 78, (width - left - 14) / columns.length);
    const high = folded ? Math.max(7, Math.min(14, 560 / rows.length)) : 24, top = 26;
    const size = [left + wide * columns.length + 14, top + high * rows.length + foot];
    const svg = element("svg", { viewBox: `0 0 ${size[0]} ${size[1]}`, width: size[0], height: size[1], role: "img", "aria-label": `${panel.title}: layers by ${panel.across}s`, "font-size": 12 });
    svg.append(element("text", { x: left, y: 15, fill: "currentColor", "font-weight": 600 }, short(panel.title, Math.max(12, Math.floor((size[0] - left) / 7)))));
    columns.forEach((column, c) => rows.forEach((name, l) => {
      const { value, how, verdict } = cell(column.m, column.r, column.s, l);
      if (how === undefined || how === "-") return;
      const grey = "dnw".includes(how) || value === null, stops = directed(column.m) ? VIRIDIS : ORANGES;
      const rgb = mixed(stops, how === "f" ? (column.m.better === "high" ? 1 : 0) : placed(column.m, value));
      const x = left + c * wide, y = top + l * high;
      const group = element("g", { class: "cell" });
      const where = `${name}, ${data.runs[column.r].run}, step ${data.runs[column.r].steps[column.s]}`;
      const note = [SAID[how], verdict].filter(Boolean).join("; ");
      group.append(element("title", {}, `${where}: ${column.m.title} ${printed(value)}${note ? ` (${note})` : ""}`));
      group.append(element("rect", { x, y, width: wide - (wide > 14 ? 1 : 0), height: high - 1, fill: grey ? "#9a9a9a" : `rgb(${rgb})`, "fill-opacity": grey ? 0.35 : 1 }));
      const light = rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11 > 140;
      const ink = grey ? "currentColor" : light ? "#000000" : "#ffffff";
      if (wide >= 46 && high >= 16) group.append(element("text", { x: x + wide / 2, y: y + high / 2 + 4, "text-anchor": "middle", "font-size": 11, fill: ink }, `${how === "f" ? "<" : how === "d" ? "*" : ""}${printed(value)}`));
      if (verdict === "collapsed" && panel.across !== "measure") group.append(element("circle", { cx: wide >= 46 ? x + 5 : x + wide / 2, cy: wide >= 46 ? y + 5 : y + high / 2, r: Math.min(2.6, wide / 4), fill: ink }));
      group.addEventListener("click", () => { told.textContent = group.firstChild.textContent; });
      svg.append(group);
    }));
    if (folded) panel.run.stages.forEach(([name, start, stop]) => {
      const y = top + high * (start + stop) / 2 + 4;
      if (high * (stop - start) >= 10) svg.append(element("text", { x: left - 8, y, "text-anchor": "end", fill: "currentColor" }, short(name || "all", most)));
      svg.append(element("line", { x1: left - 4, x2: size[0] - 14, y1: top + high * start - 0.5, y2: top + high * start - 0.5, stroke: "currentColor", "stroke-width": start ? 1 : 0 }));
    });
    else rows.forEach((name, l) => svg.append(element("text", { x: left - 8, y: top + high * (l + 0.5) + 4, "text-anchor": "end", fill: "currentColor" }, short(name, most))));
    const longest = Math.max(...columns.map((c) => c.label.length)), every = steep ? 1 : Math.max(1, Math.ceil((7 * longest + 8) / wide));
    columns.forEach((column, c) => {
      if (!steep && c % every && c !== columns.length - 1) return;
      if (!steep && c !== columns.length - 1 && columns.length - 1 - c < every) return;
      const x = left + (c + 0.5) * wide, y = top + high * rows.length + (steep ? 10 : 16);
      svg.append(element("text", { x, y, fill: "currentColor", ...(steep ? { transform: `rotate(-32 ${x} ${y})`, "text-anchor": "end", "font-size": 11 } : { "text-anchor": "middle" }) }, short(column.label, 34)));
    });
    if (!steep) svg.append(element("text", { x: left + wide * columns.length / 2, y: top + high * rows.length + 31, "text-anchor": "middle", fill: "currentColor" }, panel.across));
    return svg;
  };

  const legend = () => {
    const m = what.value === "all" ? { better: "low" } : data.measures[what.value], stops = directed(m) ? [...VIRIDIS] : ORANGES;
    const about_level = m.level ? Array.from({ length: 33 }, (_, i) => `rgb(${mixed(stops, placed({ ...m, log: false, low: 0, high: 1, level: m.level.map((x) => placed({ ...m, level: null, better: "" }, x)) }, i / 32))})`) : null;
    const strip = (about_level ?? (m.better === "high" ? [...stops].reverse() : stops)).join(",");
    const dark = directed(m) ? (m.name === "deep.noise_fraction" ? "dark: low noise" : "dark: as when collapsed") : "no direction";
    const ends = what.value === "all" ? ["as when collapsed", "far from it; each column on its own scale, orange without a direction"] : [printed(m.low), `${printed(m.high)} (${dark})`];
    const said = data.runs.some((run) => run.verdicts.some((line) => line.includes("collapsed"))) && what.value !== "all" ? " • a layer that is collapsed by all conditions." : "";
    figure.querySelector(".scale").replaceChildren(ends[0], Object.assign(document.createElement("i"), { style: `background:linear-gradient(90deg,${strip})` }), `${ends[1]}.${said} Grey: degenerate, not defined or too narrow to tell.`);
    about.hidden = what.value === "all";
    if (!about.hidden) about.replaceChildren(...[["strong", m.title], ["span", ` (${m.goal}). ${m.meaning} `], ["code", m.formula]].map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text })));
  };

  const draw = () => {
    shown = panels();
    plate.replaceChildren(...shown.map((panel) => drawn(panel, plate.clientWidth || 640)));
    legend();
    told.textContent = "";
  };
  for (const select of [what, who, when]) {
    select.addEventListener("change", draw);
    select.closest("label").hidden = select.options.length < 2;
  }
  let width = 0;
  new ResizeObserver(() => {
    if (plate.clientWidth !== width) { width = plate.clientWidth; draw(); }
  }).observe(plate);
  figure.hidden = false;
  draw();

  figure.values = () => shown.flatMap((panel) => panel.columns.flatMap((c) => panel.rows.map((name, l) => {
    const { value, how } = cell(c.m, c.r, c.s, l);
    return how === "-" || how === undefined ? null : [data.runs[c.r].run, data.runs[c.r].steps[c.s], name, c.m.name, value === null ? "" : value, { o: "ok", ...SAID }[how]];
  }))).filter(Boolean);
}

const offered = (name, href) => Object.assign(document.createElement("a"), { download: name, href }).click();
const field = (value) => (/^[=+\-@]/.test(value) && isNaN(value) ? `"'${value}"` : `"${String(value).replaceAll('"', '""')}"`);
const alone = (svgs) => {
  const ink = getComputedStyle(document.body).color, paper = getComputedStyle(document.body).backgroundColor;
  const size = (svg) => svg.viewBox.baseVal, widest = Math.max(...svgs.map((svg) => size(svg).width));
  const whole = element("svg", { width: widest, height: svgs.reduce((sum, svg) => sum + size(svg).height, 0), style: `color:${ink};font-family:sans-serif` });
  whole.setAttribute("viewBox", `0 0 ${whole.getAttribute("width")} ${whole.getAttribute("height")}`);
  whole.append(element("rect", { width: "100%", height: "100%", fill: paper }));
  let y = 0;
  for (const svg of svgs) {
    const copy = svg.cloneNode(true);
    copy.removeAttribute("style");
    for (const [key, value] of Object.entries({ y, width: size(svg).width, height: size(svg).height })) copy.setAttribute(key, value);
    y += size(svg).height;
    whole.append(copy);
  }
  return whole;
};
for (const figure of document.querySelectorAll("figure")) {
  const drawings = () => [...figure.querySelectorAll("svg")];
  const box = figure.querySelector(".save");
  if (!box) continue;
  const name = figure.dataset.name || "figure";
  const text = () => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(alone(drawings())))}`;
  const ways = { SVG: () => offered(`${name}.svg`, text()), PNG: () => {
    const image = new Image(), size = alone(drawings()).viewBox.baseVal;
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * size.width, height: 2 * size.height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      offered(`${name}.png`, canvas.toDataURL("image/png"));
    };
    image.src = text();
  } };
  if (figure.values) ways.CSV = () => {
    const lines = [["run", "step", "layer", "measure", "value", "status"], ...figure.values()].map((line) => line.map(field).join(","));
    offered(`${name}.csv`, `data:text/csv;charset=utf-8,${encodeURIComponent(lines.join("\r\n"))}`);
  };
  for (const way in ways) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: way, title: `Save this figure as ${way}` });
    button.addEventListener("click", ways[way]);
    box.append(button);
  }
}
for (const button of document.querySelectorAll("button.fold")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = document.getElementById(button.getAttribute("aria-controls")).classList.toggle("whole");
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? button.dataset.less : button.dataset.more;
  });
}
