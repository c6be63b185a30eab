// A worker in a hidden frame, for pages on the disk, where browsers start none.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.appendChild(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => this.onmessage?.({ data });
      this.started = new Promise((resolve, reject) => {
        const script = inside.document.createElement("script");
        script.onload = resolve;
        script.onerror = reject;
        script.src = url;
        inside.document.body.appendChild(script);
      });
      this.started.catch((error) => this.onerror?.(error));
    }

    postMessage(data) {
      this.started.then(() => this.frame.contentWindow.onmessage({ data }), () => {});
    }

    terminate() {
      this.frame.remove();
    }
  };
}
