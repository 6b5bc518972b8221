// A formula wider than its box scrolls; the box must then be reachable by keyboard.
const markScrolling = () => {
  for (const box of document.querySelectorAll(".formula")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("load", markScrolling);
addEventListener("resize", markScrolling);
document.addEventListener("toggle", markScrolling, true);
