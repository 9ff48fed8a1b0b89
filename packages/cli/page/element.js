/** Makes an element. What it holds is text or elements, never markup: whatever a frame says stays text. */
export function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...inside)
  return made
}

/** A button that does something. */
export function button(text, attributes, act) {
  const made = element('button', { type: 'button', ...attributes }, text)
  made.addEventListener('click', act)
  return made
}
