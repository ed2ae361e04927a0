// Draws the dashboard's charts from the page's own figures. Without it the tables are there.
(() => {
  "use strict";
  const place = document.querySelector("[data-figures]");
  if (!place || !window.echarts) return;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const drawn = new Map();
  let charts = [];

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const yuan = (fen) => (fen / 100).toLocaleString("zh-CN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const short = (fen) => {
    const whole = fen / 100;
    if (document.documentElement.lang === "en") return whole >= 1000 ? `${+(whole / 1000).toFixed(1)}k` : `${whole}`;
    return whole >= 10000 ? `${+(whole / 10000).toFixed(1)}万` : `${whole >= 100 ? Math.round(whole) : whole}`;
  };
  const spoken = (chart, value) => (chart.unit === "fen" ? `${value < 0 ? "-" : ""}¥${yuan(Math.abs(value))}` : value.toLocaleString("zh-CN"));
  const tick = (chart) => (value) => (chart.unit === "fen" ? short(value) : String(value));

  function common(chart) {
    return {
      color: ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5"].map(style),
      animation: !still.matches,
      textStyle: { color: style("--soft"), fontFamily: getComputedStyle(document.body).fontFamily },
      aria: { enabled: false },
      // Rich text is drawn on the canvas; ECharts' HTML would need inline styles, which are refused.
      tooltip: {
        renderMode: "richText",
        confine: true,
        backgroundColor: style("--surface"),
        borderColor: style("--line"),
        textStyle: { color: style("--ink") },
        valueFormatter: (value) => spoken(chart, value),
      },
    };
  }

  const axisLine = () => ({ lineStyle: { color: style("--line") } });
  const labels = (more) => ({ color: style("--soft"), hideOverlap: true, ...more });
  const legend = (chart) => (chart.series.length < 2 ? undefined
    : { top: 0, right: 0, itemWidth: 12, itemHeight: 8, textStyle: { color: style("--soft") } });

  function columns(chart) {
    return {
      ...common(chart),
      tooltip: { ...common(chart).tooltip, trigger: "axis" },
      legend: legend(chart),
      grid: { left: 4, right: 8, top: chart.series.length > 1 ? 34 : 14, bottom: 4, containLabel: true },
      xAxis: { type: "category", data: chart.labels, axisLine: axisLine(), axisTick: { show: false }, axisLabel: labels() },
      yAxis: { type: "value", minInterval: chart.unit === "fen" ? undefined : 1, splitNumber: 4,
        splitLine: { lineStyle: { color: style("--line") } }, axisLabel: labels({ formatter: tick(chart) }) },
      series: chart.series.map((one, number) => (number && !chart.stacked
        ? { name: one.name, type: "line", data: one.values, symbol: "none", lineStyle: { width: 2, type: "dashed" } }
        : { name: one.name, type: "bar", data: one.values, stack: chart.stacked ? "all" : undefined,
          barMaxWidth: 26, itemStyle: { borderRadius: chart.stacked ? 0 : [3, 3, 0, 0] } })),
    };
  }

  function bars(chart, width) {
    const longest = Math.max(...chart.labels.map((name) => name.length));
    const room = Math.round(Math.min(width * 0.44, 190, longest * 13));
    return {
      ...common(chart),
      tooltip: { ...common(chart).tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
      legend: legend(chart),
      grid: { left: 4, right: chart.notes.length ? 52 : 64, top: chart.series.length > 1 ? 34 : 6, bottom: 4, containLabel: true },
      xAxis: { type: "value", splitNumber: 3, minInterval: chart.unit === "fen" ? undefined : 1,
        splitLine: { lineStyle: { color: style("--line") } }, axisLabel: labels({ formatter: tick(chart) }) },
      yAxis: { type: "category", inverse: true, data: chart.labels, axisLine: axisLine(), axisTick: { show: false },
        axisLabel: labels({ hideOverlap: false, width: room, overflow: "break", lineHeight: 15 }) },
      series: chart.series.map((one, number) => ({
        name: one.name, type: "bar", data: one.values, stack: chart.stacked ? "all" : undefined, barMaxWidth: 20,
        label: number === chart.series.length - 1 ? { show: true, position: "right", color: style("--soft"),
          formatter: (at) => chart.notes[at.dataIndex] ?? (chart.unit === "fen" && !chart.stacked ? short(at.value) : "") } : undefined,
      })),
    };
  }

  function ring(chart) {
    const [one] = chart.series;
    const parts = chart.labels.map((name, at) => ({ name, value: one.values[at] })).filter((part) => part.value);
    const whole = parts.reduce((sum, part) => sum + part.value, 0);
    const share = new Map(parts.map((part) => [part.name, `${((part.value / whole) * 100).toFixed(1)}%`]));
    return {
      ...common(chart),
      tooltip: { ...common(chart).tooltip, trigger: "item" },
      legend: { bottom: 0, left: "center", itemWidth: 12, itemHeight: 8, textStyle: { color: style("--soft") },
        formatter: (name) => `${name} ${share.get(name) ?? ""}` },
      series: [{ type: "pie", radius: ["48%", "72%"], center: ["50%", "43%"], data: parts, label: { show: false },
        itemStyle: { borderColor: style("--surface"), borderWidth: 2 } }],
    };
  }

  const kinds = { columns, bars, ring };

  function draw() {
    for (const chart of charts) {
      const box = place.querySelector(`[data-chart="${chart.id}"]`);
      if (!box) continue;
      const kept = drawn.get(chart.id) ?? window.echarts.init(box, null, { renderer: "canvas" });
      drawn.set(chart.id, kept);
      kept.setOption(kinds[chart.kind](chart, box.clientWidth), true);
    }
    place.dataset.drawn = String(drawn.size);
  }

  for (const box of place.querySelectorAll(".chart.bars")) {
    box.style.height = `${Math.max(9, 4 + 2.3 * Number(box.dataset.rows))}rem`;
  }
  fetch(place.dataset.figures, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then((found) => { charts = found.charts; draw(); })
    .catch(() => { for (const table of place.querySelectorAll("details.figures")) table.open = true; });
  dark.addEventListener("change", draw);
  let waiting = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => { for (const one of drawn.values()) one.resize(); });
  });
})();
