// Runs before the first paint, so that a chosen scheme does not flash the other one.
import { readTheme, showTheme } from "./theme";

showTheme(readTheme());
