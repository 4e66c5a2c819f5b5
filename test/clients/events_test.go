//go:build browser

package clients

import (
	"slices"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// listening begins to listen, and gives the page three words: heard(n) waits until there are n records,
// post() asks the door, produce() sends lines.
const listening = `
  window.records = [];
  window.listen = query => {
    window.source = new EventSource('/v1/groups/page/messages?topics=orders&' + query);
    source.onmessage = event => records.push(Object.assign(JSON.parse(event.data), {id: event.lastEventId}));
    source.onopen = () => window.opened = (window.opened || 0) + 1;
  };
  window.until = async what => {
    for (let i = 0; !what(); i++) {
      if (i === 400) throw new Error('never: ' + what + ' ' + JSON.stringify(records));
      await new Promise(done => setTimeout(done, 50));
    }
  };
  window.post = async (path, kind, body) => {
    const answer = await fetch(path, {method: 'POST', headers: {'Content-Type': kind}, body});
    if (!answer.ok) throw new Error(path + ': ' + answer.status + ' ' + await answer.text());
    return answer;
  };
  window.produce = (...values) => post('/v1/topics/orders/records', 'application/x-ndjson', values.map(value => JSON.stringify({value}) + '\n').join(''));
  window.settle = (what, ...some) => post('/v1/groups/page/acks', 'application/json', JSON.stringify({[what]: some.map(r => r.lease)})).then(a => a.json());
`

// heard is what the page got.
type heard struct {
	Values     []int
	IDs        []string
	Deliveries []int
	Opened     int
}

const told = `return {values: records.map(r => r.value), ids: records.map(r => r.id), deliveries: records.map(r => r.delivery), opened: window.opened};`

func TestAnEventSourceGetsRecords(t *testing.T) {
	c := browse(t, openSite(t).url+"/docs")
	var got heard
	c.run(&got, listening+`
	  listen('max_unacked=2');
	  await produce(1, 2, 3);
	  await until(() => records.length === 2);
	`+told)
	if !slices.Equal(got.Values, []int{1, 2}) || !slices.Equal(got.IDs, []string{"orders/0/0", "orders/0/1"}) {
		t.Errorf("the first two: %+v", got)
	}
	c.run(&got, `
	  const {accepted} = await settle('ack', records[0], records[1]);
	  if (accepted !== 2) throw new Error('accepted ' + accepted);
	  await until(() => records.length === 3);
	`+told)
	if !slices.Equal(got.Values, []int{1, 2, 3}) || got.Opened != 1 {
		t.Errorf("the third: %+v", got)
	}
	c.run(&got, `
	  source.close();
	  listen('max_unacked=2');
	  await until(() => records.length === 4);
	  await settle('ack', records[3]);
	`+told)
	if !slices.Equal(got.Values, []int{1, 2, 3, 3}) || !slices.Equal(got.Deliveries, []int{1, 1, 1, 2}) {
		t.Errorf("what was not acknowledged when the page closed its stream: %+v", got)
	}
}

func TestAnEventSourceComesBack(t *testing.T) {
	d := openSite(t)
	c := browse(t, d.url+"/docs")
	var got heard
	c.run(&got, listening+`
	  listen('');
	  await produce(1);
	  await until(() => records.length === 1);
	  await settle('ack', records[0]);
	`+told)
	d.restart(harnesstest.Within(t, pagePatience))
	c.run(&got, `
	  await until(() => opened === 2);
	  await produce(2);
	  await until(() => records.some(r => r.value === 2));
	`+told)
	if got.Values[len(got.Values)-1] != 2 || got.Opened != 2 {
		t.Errorf("%+v", got)
	}
}
