const INDENT = "  ";

/**
 * Text in lines of at most `columns` characters, all but the first indented; a word that is longer stays whole.
 *
 * @param columns - of the terminal. Without one, e.g. in a pipe, the text stays one line.
 */
export function wrapText(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = INDENT + word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}
