/* The style sheet of report.html. No network, no fonts: what the reader's system has. Colours have a contrast of 4.5 to 1 at least, in light
 * and in dark (WCAG 2.2, 1.4.3). */
#include "report/html.h"

/* In parts, for C promises only 4095 characters to a literal. */
static const char colours[] =
	":root{color-scheme:light "
	"dark;--bg:#f6f6f3;--card:#fff;--ink:#1b1d21;--soft:#535a66;--line:#e2e3df;--code:#f3f3ef;--red:#b92621;"
	"--redbg:#fdeeec;--redline:#efc4c0;--amber:#8a5000;--amberbg:#fff4df;--amberline:#ecd3a4;--green:#12693f;--greenbg:#"
	"e7f5ee;"
	"--greenline:#b5dcc7;--blue:#2450b4;--bluebg:#e9effc;--grey:#9aa1ac;--on:#fff;--shadow:0 1px 2px rgba(0,0,0,.05),0 6px "
	"20px rgba(0,0,0,.04)}\n"
	"@media "
	"(prefers-color-scheme:dark){:root{--bg:#121418;--card:#1a1d23;--ink:#e9ebee;--soft:#a9b1bc;--line:#2b3038;--code:#"
	"13161b;"
	"--red:#ff8178;--redbg:#341b1c;--redline:#5e2d2c;--amber:#f1b554;--amberbg:#33270f;--amberline:#5c4719;--green:#57cf96;"
	"--greenbg:#12301f;--greenline:#1f5237;--blue:#8fb1ff;--bluebg:#1a2540;--grey:#79828f;--on:#1a1d23;--shadow:none}}\n";

static const char layout[] =
	"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 "
	"system-ui,-apple-system,\"Segoe UI\",Roboto,"
	"\"DejaVu Sans\",sans-serif}\n"
	"code,pre,.m{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;font-size:.92em}\n"
	".wrap{max-width:1120px;margin:0 auto;padding:0 24px "
	"48px}a{color:var(--blue)}p,li,dd,td,h1,h2,h3,summary{overflow-wrap:anywhere}\n"
	"header{display:flex;align-items:center;gap:14px;padding:16px 0;color:var(--soft);font-size:13.5px;flex-wrap:wrap}"
	"header b{color:var(--ink);font-size:16px}header svg{width:24px;flex:none}header "
	"nav{margin-left:auto;display:flex;gap:16px;flex-wrap:wrap}"
	"header .what{min-width:0;overflow-wrap:anywhere;flex:1 1 300px}\n"
	".card{background:var(--card);border:1px solid var(--line);border-radius:14px;box-shadow:var(--shadow);padding:20px "
	"26px;margin:0 0 18px;min-width:0}\n"
	"h2{font-size:17px;margin:0 0 4px;letter-spacing:-.01em}h3{font-size:14.5px;margin:14px 0 4px}.sub{margin:0 0 "
	"12px;color:var(--soft)}\n"
	".hero{border-left:6px solid var(--tone);padding-bottom:0}.red{--tone:var(--red);--tonebg:var(--redbg)}"
	".amber{--tone:var(--amber);--tonebg:var(--amberbg)}.green{--tone:var(--green);--tonebg:var(--greenbg)}"
	".blue{--tone:var(--blue);--tonebg:var(--bluebg)}\n"
	".pill{display:inline-block;border-radius:999px;padding:1px "
	"11px;font-size:12.5px;font-weight:650;background:var(--tonebg);color:var(--tone)}"
	".pill.full{background:var(--tone);color:var(--on);letter-spacing:.03em;text-transform:uppercase}\n"
	".hero h1,.hero h2{font-size:24px;line-height:1.28;letter-spacing:-.015em;margin:12px 0 10px;font-weight:670}\n"
	".at{list-style:none;margin:0 0 16px;padding:0}.at li{margin:3px 0}.at "
	".k{color:var(--soft);display:inline-block;min-width:4.4em}"
	".at code{font-weight:650}\n"
	".facts{display:grid;grid-template-columns:repeat(4,1fr);border-top:1px solid var(--line);margin:0 -26px}"
	".facts div{padding:11px 16px 13px 26px;border-right:1px solid var(--line)}.facts div:last-child{border:0}"
	".facts b{display:block;font-size:20px;letter-spacing:-.02em}.facts span{color:var(--soft);font-size:13px}\n"
	".two{display:grid;grid-template-columns:1.15fr 1fr;gap:18px}.two>.card{margin-bottom:18px}\n"
	"pre{background:var(--code);border:1px solid var(--line);border-radius:9px;padding:10px 14px;margin:8px 0 "
	"0;white-space:pre-wrap;"
	"overflow-wrap:anywhere;line-height:1.5}.del{color:var(--red)}.add{color:var(--green)}.dim{color:var(--soft)}\n"
	"footer{color:var(--soft);font-size:13px;text-align:center;padding-top:8px}\n";

static const char parts[] =
	"table{width:100%;border-collapse:collapse;font-size:14px}th{text-align:left;font-weight:600;color:var(--soft);font-"
	"size:12.5px;"
	"padding:6px 14px 6px 0;border-bottom:1px solid var(--line)}td{padding:7px 14px 7px 0;border-bottom:1px solid "
	"var(--line);vertical-align:top}"
	"tr:last-child td{border:0}td.n{white-space:nowrap}\n"
	"svg.fig{display:block;width:100%;height:auto}svg text{font-family:system-ui,-apple-system,\"Segoe "
	"UI\",Roboto,\"DejaVu Sans\",sans-serif;"
	"fill:var(--ink);font-size:12.5px}svg .t{font-weight:650;font-size:15px}svg .s{fill:var(--soft)}svg "
	".e{fill:var(--red);font-weight:600}"
	"svg .e.side{fill:var(--amber)}svg .mono{font-family:ui-monospace,Menlo,Consolas,\"DejaVu Sans "
	"Mono\",monospace;font-size:12px;fill:var(--soft)}\n"
	".node{fill:var(--card);stroke:var(--red);stroke-width:1.6}.node.side{stroke:var(--amber);stroke-dasharray:5 "
	"4}.node.obj{fill:var(--redbg)}"
	".edge{fill:none;stroke:var(--red);stroke-width:2.2}.edge.side{stroke:var(--amber);stroke-dasharray:5 "
	"4;stroke-width:1.8}"
	".head{fill:var(--red)}.head.side{fill:var(--amber)}svg.fig.narrow{display:none}\n"
	".life{fill:var(--grey);opacity:.5}.held{fill:var(--red);opacity:.8}.zone{fill:var(--redbg)}.grid{stroke:var(--line)}."
	"phase{fill:var(--bluebg);stroke:var(--card)}"
	".quick{fill:var(--blue);opacity:.6}.hung{fill:var(--red)}svg text.on{fill:var(--on);font-weight:650}.mark{stroke:var(--red);stroke-width:1.6}\n"
	".legend{display:flex;gap:6px 22px;flex-wrap:wrap;color:var(--soft);font-size:13px;margin:8px 0 0}.legend "
	"i{display:inline-block;width:22px;"
	"border-top:2.5px solid var(--red);vertical-align:middle;margin-right:7px}.legend i.a{border-top:2.5px dashed "
	"var(--amber)}\n"
	"details{border-top:1px solid var(--line)}details:first-of-type{border-top:0}summary{cursor:pointer;padding:9px "
	"0}summary .r{color:var(--soft);"
	"font-size:13px;margin-left:8px}details details{border:0;margin-left:8px}details details summary{padding:2px "
	"0;color:var(--soft);font-size:13px}\n"
	".st{list-style:none;background:var(--code);border:1px solid var(--line);border-radius:9px;margin:0 0 12px;padding:7px "
	"14px;font-size:13px}"
	".st li{display:flex;flex-wrap:wrap;gap:0 16px;padding:2px 0;color:var(--soft)}.st .w{flex:0 0 "
	"19em;overflow-wrap:anywhere}.st .f{flex:0 0 11em;overflow-wrap:anywhere}"
	".st .c{flex:1 1 16em;overflow-wrap:anywhere}.st li.own{color:var(--ink);font-weight:650}.st "
	"li.k{color:var(--red);font-weight:650}\n"
	".kv{display:grid;grid-template-columns:minmax(90px,130px) 1fr;gap:4px 14px;font-size:14px;margin:0}.kv "
	"dt{color:var(--soft)}.kv dd{margin:0;min-width:0}\n"
	".list{margin:0;padding-left:20px}.list li{margin:3px 0}\n";

static const char media[] =
	"@media screen and (max-width:820px){.two,.facts{grid-template-columns:1fr}.facts div{border-right:0;border-bottom:1px solid "
	"var(--line)}"
	".facts b{display:inline-block;margin-right:8px}.wrap{padding:0 10px 32px}.card{padding:16px 16px}.facts{margin:0 "
	"-16px}.facts div{padding:8px 16px}"
	".hero h1,.hero h2{font-size:20px}svg.fig.wide{display:none}svg.fig.narrow{display:block;max-width:440px;margin:0 "
	"auto}header nav{margin-left:0}"
	".st .w,.st .f{flex:0 1 auto}.st .c{flex:1 1 100%;padding-left:1.5em}td{padding-right:8px}"
	"table.stack,table.stack tbody,table.stack tr,table.stack td{display:block;border:0}table.stack "
	"th{display:none}table.stack td{padding:1px 0}"
	"table.stack tr{border-bottom:1px solid var(--line);padding:7px 0}table.stack td[data-k]:before{content:attr(data-k) "
	"\": \";color:var(--soft)}}\n"
	"@media "
	"print{body{background:#fff}.card{break-inside:avoid-page;box-shadow:none}section>details::details-content{content-visibility:"
	"visible;block-size:auto}header nav{display:none}.wrap{max-width:none}}\n";

void html_style(struct text *out)
{
	text_add(out, colours);
	text_add(out, layout);
	text_add(out, parts);
	text_add(out, media);
}
