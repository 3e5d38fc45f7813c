import { PLAIN, type Style } from "../../src/cli/draw/style.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** Keeps what is written. A pipe unless it is given columns. */
export class FakeTerminal implements Terminal {
  outText = "";
  errText = "";
  outData: Uint8Array<ArrayBufferLike> = new Uint8Array();
  readonly columns: number | undefined;
  readonly errColumns: number | undefined;
  readonly inIsTerminal = false;
  readonly style: Style;
  readonly errStyle = PLAIN;

  constructor(
    options: { columns?: number; errColumns?: number; style?: Style } = {},
  ) {
    this.columns = options.columns;
    this.errColumns = options.errColumns;
    this.style = options.style ?? PLAIN;
  }

  out(text: string): void {
    this.outText += text;
  }

  outBytes(bytes: Uint8Array): void {
    this.outData = new Uint8Array([...this.outData, ...bytes]);
  }

  err(text: string): void {
    this.errText += text;
  }
}
