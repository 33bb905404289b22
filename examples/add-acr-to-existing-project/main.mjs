// Runs the three ways, one after the other.
for (const way of ["with-minimize", "with-fit", "with-dataset"]) await import(`./${way}.mjs`);
