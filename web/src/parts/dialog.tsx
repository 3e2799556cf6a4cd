// A modal dialog: the browser's own, so that focus stays inside and Escape closes it.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Refused } from "../api/client";
import { ProblemNote } from "./problem";

interface DialogProps {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, onClose, children, wide }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    // Closed before it leaves the document, it gives the focus back to where it was.
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} class={wide ? "dialog wide" : "dialog"} aria-labelledby={id} onCancel={onClose}>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" onClick={onClose} aria-label="Close">
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface FootProps {
  onClose(): void;
  /** What closing is called, "Cancel" where something was to be done. */
  close?: string;
  /** What is done; without it there is only closing. */
  action?: string;
  isDanger?: boolean;
  isOff?: boolean;
  /** Without it the form that the foot is in is sent. */
  onAction?(): void;
}

/** The last line of every dialog: leave, or do it. */
export function DialogFoot({ onClose, close, action, isDanger, isOff, onAction }: FootProps) {
  return (
    <footer class="dialog-foot">
      <button type="button" onClick={onClose}>
        {close ?? (action ? "Cancel" : "Close")}
      </button>
      {action && (
        <button type={onAction ? "button" : "submit"} class={isDanger ? "danger" : "primary"} disabled={isOff} onClick={onAction}>
          {action}
        </button>
      )}
    </footer>
  );
}

interface ConfirmProps {
  title: string;
  isDanger?: boolean;
  children: ComponentChildren;
  action: string;
  onConfirm(): Promise<void>;
  onClose(): void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, isDanger, children, action, onConfirm, onClose }: ConfirmProps) {
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const run = async () => {
    setBusy(true);
    setRefused(null);
    try {
      await onConfirm();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-body">{children}</div>
      {refused && <ProblemNote refused={refused} />}
      <DialogFoot onClose={onClose} action={action} isDanger={isDanger} isOff={isBusy} onAction={run} />
    </Dialog>
  );
}
