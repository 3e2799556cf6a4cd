import { render } from "preact";
import { App } from "./app";
import { followLinks } from "./router";
import "./style/index.css";

followLinks();
const root = document.getElementById("app");
if (root) render(<App />, root);
