/**
 * Short ways to the elements of the page. Text only ever becomes text: what an event holds is never
 * read as HTML.
 *
 * @module
 */

/**
 * The element with an id, which must be there.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`BUG: the page has no #${id}`);
  return element;
}

/**
 * The element below `root` with `data-part`, or that a selector names.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
export function within(root, selector, kind) {
  const element = root.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`BUG: the page has no ${selector}`);
  return element;
}

/**
 * A new element. A property that is undefined is left out, one that is true stands without a value.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string | number | boolean | undefined>} [attributes]
 * @param {(Node | string)[]} children strings become text
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(attribute, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/**
 * Text of an event, in a direction of its own: what is written from right to left turns nothing
 * around it.
 *
 * @param {string} text
 */
export function foreign(text) {
  return element("bdi", { title: text.length > 40 ? text : undefined }, text);
}

/**
 * Fills a select, and keeps what was chosen if it is still there.
 *
 * @param {HTMLSelectElement} select
 * @param {readonly {value: string, label: string, isDisabled?: boolean}[]} options
 * @param {string} chosen
 */
export function fillSelect(select, options, chosen) {
  select.replaceChildren(...options.map(({ value, label, isDisabled }) => {
    const option = element("option", { value, disabled: isDisabled });
    option.textContent = label;
    return option;
  }));
  select.value = options.some(({ value }) => value === chosen) ? chosen : options[0]?.value ?? "";
}
