/**
 * The colours that were chosen, before anything is drawn: this script is no module, as those come late.
 * Without a choice the system's stand.
 */
{
  let theme = null;
  try {
    theme = localStorage.getItem("traqq-theme");
  } catch {
    // A browser that keeps nothing.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
