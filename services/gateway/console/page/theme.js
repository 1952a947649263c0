// Light, dark, or as the system has it.

const KEY = "routemoa.theme";
const THEMES = ["system", "light", "dark"];

/** Applies the theme that was chosen before, and lets a button change it. */
export function setUpTheme(button) {
  apply(button, chosen());
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It then holds until the page is left.
    }
    apply(button, next);
  });
}

function chosen() {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.includes(kept) ? kept : "system";
  } catch {
    return document.documentElement.dataset.theme ?? "system";
  }
}

function apply(button, theme) {
  document.documentElement.dataset.theme = theme;
  button.textContent = theme === "system" ? "Auto" : theme === "light" ? "Light" : "Dark";
  button.setAttribute("aria-label", `Colours: ${theme}`);
}
