// The moving parts of Tabler (Bootstrap) that the pages use; the rest of its script would only weigh. Markup with
// data-bs-toggle works as in its documentation, and scripts find the classes as bootstrap.Modal and so on.
// Tooltips and popovers are left out: they are no use on a phone, and what matters is said on the page.
export { default as Alert } from "@tabler/core/js/src/bootstrap/alert";
export { default as Collapse } from "@tabler/core/js/src/bootstrap/collapse";
export { default as Dropdown } from "@tabler/core/js/src/bootstrap/dropdown";
export { default as Modal } from "@tabler/core/js/src/bootstrap/modal";
export { default as Offcanvas } from "@tabler/core/js/src/bootstrap/offcanvas";
export { default as Tab } from "@tabler/core/js/src/bootstrap/tab";
export { default as Toast } from "@tabler/core/js/src/bootstrap/toast";
