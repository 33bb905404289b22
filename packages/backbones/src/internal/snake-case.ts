/** A class's name as Keras writes it into files: `GlobalAveragePooling2D` → `global_average_pooling2d`. */
export const snakeCase = (className: string): string =>
  className
    .replace(/([A-Za-z0-9])([A-Z][a-z])/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
