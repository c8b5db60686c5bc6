// The charts of the costs page. What they show stands in tables as well.

const css = getComputedStyle(document.documentElement);
const colour = (name) => css.getPropertyValue(name).trim();
const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: "USD", maximumFractionDigits: 4 });
const share = new Intl.NumberFormat(document.documentElement.lang, { style: "percent", maximumFractionDigits: 1 });

const axis = (more) => ({
  axisLine: { lineStyle: { color: colour("--line") } },
  axisLabel: { color: colour("--quiet"), hideOverlap: true },
  splitLine: { lineStyle: { color: colour("--line") } },
  ...more,
});

const KINDS = {
  time: (points, name) => ({
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (value) => money.format(value) },
    xAxis: axis({ type: "time" }),
    yAxis: axis({ type: "value", name, nameTextStyle: { color: colour("--quiet") } }),
    series: [{ type: "bar", data: points, itemStyle: { color: colour("--blue") }, barMaxWidth: 24 }],
  }),
  parts: (points) => ({
    tooltip: { trigger: "item", renderMode: "richText", valueFormatter: (value) => money.format(value) },
    xAxis: axis({ type: "value", max: "dataMax", axisLabel: { color: colour("--quiet"), formatter: (value) => money.format(value), hideOverlap: true } }),
    yAxis: { type: "category", data: [""], show: false },
    legend: { bottom: 0, type: "scroll", textStyle: { color: colour("--ink") } },
    color: ["--green", "--red", "--amber", "--blue", "--violet"].map(colour),
    series: points.map(([part, dollars]) => ({ name: part, type: "bar", stack: "all", data: [Number(dollars)], barWidth: 48 })),
  }),
  share: (points) => ({
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (value) => share.format(value) },
    xAxis: axis({ type: "value", max: 1, axisLabel: { color: colour("--quiet"), formatter: (value) => share.format(value) } }),
    yAxis: axis({ type: "value", max: 1, axisLabel: { color: colour("--quiet"), formatter: (value) => share.format(value) } }),
    series: [{ type: "line", data: [[0, 0], ...points.map((point) => [point.users, point.cost])], itemStyle: { color: colour("--blue") } }],
  }),
};

for (const element of document.querySelectorAll("[data-chart]")) {
  const chart = echarts.init(element);
  const option = KINDS[element.dataset.chart](JSON.parse(element.dataset.points), element.dataset.name);
  chart.setOption({ animation: false, grid: { left: 8, right: 24, top: 32, bottom: 48, containLabel: true }, ...option });
  new ResizeObserver(() => chart.resize()).observe(element);
}
