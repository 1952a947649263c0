// The key of the gateway: in the session storage of this tab, and nowhere else.

const KEY = "routemoa.token";

/** Returns the key; empty if there is none. */
export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return memory;
  }
}

let memory = "";

/** Lets a form set the key, and calls `changed` when it has. */
export function setUpToken(form, field, changed) {
  field.value = token();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(field.value.trim());
    changed();
  });
}

function keep(value) {
  memory = value;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // The key then holds until the page is left.
  }
}
