// A map beside the position of a store. Without it the pair is typed; without tiles a grid is drawn.
(() => {
  "use strict";
  const field = document.querySelector('input[data-map="position"]');
  const system = document.querySelector('select[data-map="system"]');
  const here = document.querySelector('div[data-map="here"]');
  if (!field || !here || !window.L) return;
  // Under the fields that it belongs to.
  field.closest("fieldset").append(here);
  here.hidden = false;
  const CITY = [30.6578, 104.0659];
  const read = () => {
    const found = /^\s*(-?\d{1,3}(?:\.\d+)?)\s*[,，;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(field.value);
    if (!found) return null;
    const [lat, lng] = [Number(found[1]), Number(found[2])];
    if (Math.abs(lat) > 90 && Math.abs(lng) <= 90) return [lng, lat];
    return Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? [lat, lng] : null;
  };
  const map = L.map(here, { attributionControl: false }).setView(read() || CITY, read() ? 15 : 12);
  const Grid = L.GridLayer.extend({
    createTile(at) {
      const tile = document.createElement("canvas");
      const size = this.getTileSize();
      tile.width = size.x;
      tile.height = size.y;
      const pen = tile.getContext("2d");
      const style = getComputedStyle(here);
      pen.strokeStyle = style.getPropertyValue("--soft");
      for (let i = 0; i <= 4; i += 1) {
        pen.globalAlpha = i % 4 ? 0.15 : 0.35;
        const line = (i * size.x) / 4 + 0.5;
        pen.beginPath();
        pen.moveTo(line, 0);
        pen.lineTo(line, size.y);
        pen.moveTo(0, line);
        pen.lineTo(size.x, line);
        pen.stroke();
      }
      pen.globalAlpha = 1;
      pen.fillStyle = style.getPropertyValue("--soft");
      pen.font = "11px system-ui, sans-serif";
      const corner = map.unproject(at.scaleBy(size), at.z);
      pen.fillText(`${corner.lat.toFixed(3)}, ${corner.lng.toFixed(3)}`, 5, 15);
      return tile;
    },
  });
  (here.dataset.tiles ? L.tileLayer(here.dataset.tiles, { maxZoom: 18 }) : new Grid({ maxZoom: 18 })).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  L.Icon.Default.imagePath = here.dataset.icons;
  const pin = L.marker(read() || CITY, { draggable: true });
  const show = () => {
    const at = read();
    // The map is in GCJ-02: what was copied from elsewhere is converted on the server.
    if (at && system.value === "gcj02") {
      pin.setLatLng(at).addTo(map);
      if (!map.getBounds().contains(at)) map.setView(at);
    } else {
      pin.remove();
    }
  };
  const take = (at) => {
    field.value = `${at.lat.toFixed(6)}, ${at.wrap().lng.toFixed(6)}`;
    system.value = "gcj02";
    show();
  };
  map.on("click", (event) => take(event.latlng));
  pin.on("dragend", () => take(pin.getLatLng()));
  field.addEventListener("input", show);
  system.addEventListener("change", show);
  show();
})();
