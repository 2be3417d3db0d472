/* One answer for all bookings of a list; without it each is answered by itself.

   data-choose-all="cancelled"   a button that chooses this answer wherever it is offered, in the form around it
*/
(function () {
  "use strict";
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose-all]");
    if (!button) return;
    for (const box of button.form.querySelectorAll('input[type="radio"]')) {
      if (box.value === button.dataset.chooseAll) box.checked = true;
    }
  });
  for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;
})();
