(() => {
const all = (words, inside = document) => [...inside.querySelectorAll(words)];
const root = document.documentElement;

// Light or dark: the button goes round, and "auto" follows the system.
const system = matchMedia("(prefers-color-scheme: dark)");
const setMode = (mode) => {
  root.dataset.mode = mode;
  root.dataset.theme = mode === "auto" ? (system.matches ? "dark" : "light") : mode;
};
system.addEventListener("change", () => setMode(root.dataset.mode));
for (const button of all(".theme-switch-button")) {
  button.addEventListener("click", () => {
    const round = system.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
    setMode(round[(round.indexOf(root.dataset.mode) + 1) % 3]);
    localStorage.setItem("mode", root.dataset.mode);
  });
}

// The field for a search opens over the page.
const search = document.getElementById("pst-search-dialog");
const toggleSearch = () => (search.open ? search.close() : search.showModal());
if (search) {
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  for (const button of all(".search-button__button")) button.addEventListener("click", toggleSearch);
  for (const key of isMac ? all("kbd.kbd-shortcut__modifier") : []) key.textContent = "⌘";
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(isMac ? event.metaKey : event.ctrlKey)) return;
    event.preventDefault();
    toggleSearch();
  });
}

// A formula wider than its box is set smaller, down to seven tenths; then it scrolls, as a wide
// table does, and what scrolls must be reachable by keyboard. First everything is measured, then
// everything is set: a browser that does both by turns lays the page out anew each time.
const fit = (inside = document) => {
  const within = (words) => [...all(words, inside), ...(inside.matches?.(words) ? [inside] : [])];
  const formulas = within(".formula");
  for (const box of formulas) if (box.style.fontSize) box.style.fontSize = "";
  const sizes = formulas.map((box) => box.clientWidth && box.scrollWidth / box.clientWidth);
  formulas.forEach((box, place) => {
    if (sizes[place] > 1) box.style.fontSize = `${Math.max(0.7, 0.98 / sizes[place])}em`;
  });
  const boxes = [...formulas, ...within(".pst-scrollable-table-container")];
  const scrolls = boxes.map((box) => box.scrollWidth > box.clientWidth);
  boxes.forEach((box, place) => {
    if (scrolls[place]) box.tabIndex = 0;
    else if (box.hasAttribute("tabindex")) box.removeAttribute("tabindex");
  });
};
// One section at a time, when there is nothing else to do, or after half a second.
const soon = (work) =>
  window.requestIdleCallback ? requestIdleCallback(work, { timeout: 500 }) : setTimeout(work);
const sections = all(".bd-article > section > *");  // with what stands before the first of them
let waiting = [];
const fitNext = () => {
  if (waiting.length) fit(waiting.shift());
  if (waiting.length) soon(fitNext);
};
const fitSections = () => {
  if (!waiting.length) soon(fitNext);
  waiting = [...sections];
};
addEventListener("load", fitSections);
addEventListener("resize", fitSections);
document.addEventListener("toggle", (event) => fit(event.target), true);

// Where the reader is, in the list of what is on this page: the last heading above a third.
const marks = all(".bd-toc a[href^='#']");
const places = marks.map((mark) => document.getElementById(decodeURIComponent(mark.hash.slice(1))));
let marked = null;
let waits = false;
const markPlace = () => {
  waits = false;
  const isAbove = (place) => place && place.getBoundingClientRect().top < innerHeight / 3;
  const mark = marks[places.findLastIndex(isAbove)] ?? marks[0];
  if (mark === marked) return;
  for (const old of all(".bd-toc .active")) old.classList.remove("active");
  marked?.removeAttribute("aria-current");
  marked = mark;
  mark.setAttribute("aria-current", "true");
  mark.classList.add("active");
  for (let entry = mark.closest("li"); entry; entry = entry.parentElement.closest("li")) {
    entry.classList.add("active");
  }
  const list = mark.closest(".bd-sidebar-secondary");
  const [seen, stands] = [list.getBoundingClientRect(), mark.getBoundingClientRect()];
  if (stands.bottom > seen.bottom || stands.top < seen.top) {
    list.scrollTop += stands.top - seen.top - seen.height / 3;
  }
};
const markSoon = () => {
  if (!waits && marks.length) requestAnimationFrame(markPlace);
  waits = true;
};
for (const event of ["load", "scroll", "resize", "hashchange"]) addEventListener(event, markSoon);
document.addEventListener("toggle", markSoon, true);

// A list that lies over the page closes when something in it was chosen.
for (const drawer of all("[popover]")) {
  drawer.addEventListener("click", (event) => {
    if (event.target.closest("a, .search-button__button") && drawer.matches(":popover-open")) {
      drawer.hidePopover();
    }
  });
  drawer.addEventListener("toggle", () => drawer.querySelector(".current > a")?.scrollIntoView({ block: "center" }));
}

// A figure opens over the page, as large as its text needs; without a script its link leads to it.
const viewer = document.querySelector("dialog.viewer");
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.enlarge");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const image = all("img", link).find((one) => one.checkVisibility()).cloneNode();
  event.preventDefault();
  image.removeAttribute("class");
  viewer.querySelector("div").replaceChildren(image);
  viewer.showModal();
});
for (const dialog of all("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

// A link may lead into something folded: open what is around its target.
const openTarget = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folds = [];
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    folds.push(fold);
  }
  if (folds.every((fold) => fold.open)) return;
  for (const fold of folds) fold.open = true;
  target.scrollIntoView();
};
addEventListener("load", openTarget);
addEventListener("hashchange", openTarget);

// On paper: light, and what is folded open, save imports and the code behind a claim.
const paper = [];
addEventListener("beforeprint", () => {
  const { theme } = root.dataset;
  paper.push(() => { root.dataset.theme = theme; });
  root.dataset.theme = "light";
  for (const fold of all("article details:not([open], .claim, .imports *)")) {
    fold.open = true;
    paper.push(() => { fold.open = false; });
  }
  for (const image of all("article img[loading]")) image.loading = "eager";
  fit();
});
addEventListener("afterprint", () => {
  for (const restore of paper.splice(0)) restore();
});
})();
