// A formula wider than its box is set smaller, down to seven tenths; then it scrolls, and the box
// must be reachable by keyboard.
const fitFormulas = () => {
  for (const box of document.querySelectorAll(".formula")) {
    box.style.fontSize = "";
    box.removeAttribute("tabindex");
    if (!box.clientWidth || box.scrollWidth <= box.clientWidth) continue;
    box.style.fontSize = `${Math.max(0.7, 0.98 * box.clientWidth / box.scrollWidth)}em`;
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
};
addEventListener("load", fitFormulas);
addEventListener("resize", fitFormulas);
document.addEventListener("toggle", fitFormulas, true);

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
  const root = document.documentElement;
  const { theme } = root.dataset;
  paper.push(() => { root.dataset.theme = theme; });
  root.dataset.theme = "light";
  for (const fold of document.querySelectorAll("article details:not([open], .claim, .imports *)")) {
    fold.open = true;
    paper.push(() => { fold.open = false; });
  }
  fitFormulas();
});
addEventListener("afterprint", () => {
  for (const restore of paper.splice(0)) restore();
});
