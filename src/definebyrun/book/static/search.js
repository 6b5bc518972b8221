// Looks for words in the sections and exercises of the book, as they are typed. The index is a
// script, so it is found without a server; it is fetched when somebody begins to search.
const SHOWN = 20;
const AROUND = 70; // letters of an excerpt before and after what was found
const CJK = /[\u3040-\u30ff\u3400-\u9fff]/;
const root = document.documentElement.dataset.content_root || "./";

let index = null;
const fetched = () => index ??= new Promise((done, fail) => {
  const script = document.createElement("script");
  script.src = `${root}_static/search-index.js`;
  script.onload = () => done(prepared(definebyrunIndex));
  script.onerror = fail;
  document.head.append(script);
});

const fold = (words) => words.toLowerCase().normalize("NFKC");

const prepared = ({ pages, sections, synonyms }) => ({
  synonyms: synonyms.map((group) => group.map(fold)),
  sections: sections.map(([page, id, title, text, code], order) => {
    const [address, name] = pages[page];
    const length = Math.sqrt(60 + text.split(" ").length);
    const weight = /^(Exercise|Summary|Where to read on)/.test(title) ? 0.6 : 1;
    return { order, address, id, name, title, text, code, length, weight,
      low: { title: fold(title), name: fold(name), text: fold(text), code: fold(code) } };
  }),
});

// A pattern for a word in its forms: endings fall away, and both spellings of -ise and -our count.
const escaped = (words) => words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const stem = (word) => {
  if (word.length < 5 || /[^a-z]/.test(word)) return escaped(word);
  const short = word.replace(/(ations?|ating|ated|ates?|ings?|ed|ies|es|ly|[sye])$/, "");
  const kept = short.length < 4 ? word : short;
  return kept.replace(/i[sz]$|i[sz](?=at)/, "i[sz]").replace(/ou?r$/, "ou?r");
};
const pattern = (phrase) => {
  if (CJK.test(phrase)) return escaped(phrase);
  const parts = phrase.split(/[\s-]+/).filter(Boolean);
  const short = parts.length === 1 && parts[0].length < 4;
  const forms = parts.map(stem).join("[a-z]*[\\s-]*");
  return `(?<![\\p{L}\\p{N}])${forms}${short ? "(?![\\p{L}\\p{N}])" : ""}`;
};

// What was typed, as units: a phrase that has synonyms counts as one.
const units = (query, synonyms) => {
  const words = fold(query).split(/[\s,;:!?"()]+/).filter(Boolean);
  const found = [];
  for (let at = 0; at < words.length;) {
    let taken = 1;
    let also = [];
    for (let many = Math.min(4, words.length - at); many > 0 && !also.length; many -= 1) {
      const phrase = words.slice(at, at + many).join(" ");
      const same = (name) => name.replaceAll("-", " ") === phrase.replaceAll("-", " ")
        || (many === 1 && phrase.length > 4 && `${name}s` === phrase);
      const group = synonyms.filter((names) => names.some(same)).flat();
      if (group.length || many === 1) {
        taken = many;
        also = group.filter((name) => !same(name));
      }
      if (group.length) break;
    }
    const own = words.slice(at, at + taken).join(" ");
    found.push({
      own: new RegExp(pattern(own), "gu"),
      any: new RegExp([own, ...also].map(pattern).join("|"), "gu"),
      small: /^(a|an|the|of|in|on|to|is|are|it|how|what|why|do|does|i|and|or|for|with)$/.test(own),
    });
    at += taken;
  }
  return found.some((unit) => !unit.small) ? found.filter((unit) => !unit.small) : found;
};

const count = (words, regex) => words.match(regex)?.length ?? 0;
const worth = ({ low, length, weight }, { own, any }) => {
  const inside = (regex) => {
    const many = count(low.text, regex) + 0.3 * count(low.code, regex);
    const title = count(low.title, regex)
      ? 6 + 4 * (low.title.match(regex).join("").length / low.title.length) : 0;
    const name = count(low.name, regex) ? 1.5 : 0;
    return many || title || name ? title + name + 12 * many / (many + 2) / Math.sqrt(length) : 0;
  };
  return weight * (inside(own) + 0.5 * inside(any));
};

const look = async (query) => {
  const { sections, synonyms } = await fetched();
  const wanted = units(query, synonyms);
  if (!wanted.length) return { found: [], wanted, all: true };
  const rated = sections.map((section) => {
    const each = wanted.map((unit) => worth(section, unit));
    return { section, has: each.filter(Boolean).length, sum: each.reduce((a, b) => a + b) };
  });
  const most = Math.max(...rated.map(({ has }) => has));
  const all = most === wanted.length;
  const found = most ? rated.filter(({ has }) => has === most) : [];
  found.sort((a, b) => b.sum - a.sum || a.section.order - b.section.order);
  return { found: found.map(({ section }) => section), wanted, all };
};

// The words around the first place found, with every place marked.
const excerpt = ({ text, low }, wanted) => {
  const spot = Math.min(...wanted.map(({ any }) => {
    any.lastIndex = 0;
    return any.exec(low.text)?.index ?? Infinity;
  }));
  const middle = low.text.length === text.length && spot < Infinity ? spot : 0;
  const start = middle > AROUND ? text.indexOf(" ", middle - AROUND) + 1 : 0;
  const words = text.slice(start, middle + 2 * AROUND).replace(/\s\S*$/, "");
  const line = document.createElement("span");
  let at = 0;
  const marks = [...fold(words).matchAll(new RegExp(wanted.map(({ any }) => any.source).join("|"), "gu"))];
  for (const found of fold(words).length === words.length ? marks : []) {
    const mark = document.createElement("mark");
    mark.textContent = words.slice(found.index, found.index + found[0].length);
    line.append(words.slice(at, found.index), mark);
    at = found.index + found[0].length;
  }
  line.prepend(start ? "… " : "");
  line.append(words.slice(at), " …");
  return line;
};

const show = (form, { found, wanted, all }, query) => {
  const list = form.querySelector(".found");
  const says = form.querySelector(".found-count");
  const { none, one, many, more, some } = says.dataset;
  list.replaceChildren(...found.slice(0, SHOWN).map((section) => {
    const link = document.createElement("a");
    link.href = `${root}${section.address}#${section.id}`;
    const title = document.createElement("strong");
    title.textContent = section.title;
    const page = document.createElement("span");
    page.className = "found-page";
    page.textContent = section.title === section.name ? "" : section.name;
    link.append(title, " ", page);
    const item = document.createElement("li");
    item.append(link, excerpt(section, wanted));
    return item;
  }));
  const number = String(found.length);
  if (!query.trim()) says.textContent = "";
  else if (!found.length) says.textContent = none;
  else if (!all) says.textContent = some;
  else if (found.length === 1) says.textContent = one;
  else says.textContent = (found.length > SHOWN ? more : many).replace("%d", number);
};

for (const form of document.querySelectorAll("form.bd-search")) {
  const field = form.querySelector("input");
  let last = "";
  const update = async () => {
    const query = field.value;
    last = query;
    const result = await look(query);
    if (query === last) show(form, result, query);
  };
  field.addEventListener("focus", fetched);
  field.addEventListener("input", update);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.querySelector(".found a")?.click();
  });
  // The arrow keys walk through what was found, and back into the field.
  form.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const stops = [field, ...form.querySelectorAll(".found a")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
  const asked = new URLSearchParams(location.search).get("q");
  if (form.closest(".search-page")) {
    if (asked) field.value = asked;
    if (asked) update();
    field.focus();
  }
  const dialog = form.closest("dialog");
  form.addEventListener("click", (event) => {
    if (event.target.closest(".found a")) dialog?.close();
  });
}
