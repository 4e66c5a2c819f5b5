// Command generated produces and consumes through the client that oapi-codegen made of the door's document.
//
//	generated URL TOPIC
package main

import (
	"context"
	"fmt"
	"generated/sluice"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// The generated client sends no Accept, which calls of REST v2 answer with a type of their own.
	plain := sluice.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Accept", "application/json")
		return nil
	})
	client, err := sluice.NewClientWithResponses(os.Args[1], plain)
	check(err)
	d := &door{client, os.Args[2]}
	d.refuse(ctx)
	d.produce(ctx)
	d.consume(ctx, "go-v2")
	d.take(ctx, "go-v1")
	fmt.Println("go: ok")
}

// door is the client, and the topic that it is tried with.
type door struct {
	*sluice.ClientWithResponses
	topic string
}

func (d *door) refuse(ctx context.Context) {
	answer, err := d.TopicWithResponse(ctx, "nope")
	check(err)
	status(http.StatusNotFound, answer.HTTPResponse, answer.Body)
	if answer.JSON404.ErrorCode != 40401 || answer.JSON404.Message == "" {
		log.Fatalf("%+v", answer.JSON404)
	}
	clusters, err := d.V3ClustersWithResponse(ctx)
	check(err)
	status(http.StatusOK, clusters.HTTPResponse, clusters.Body)
	if len(clusters.JSON200.Data) != 1 || clusters.JSON200.Metadata.Next != nil {
		log.Fatalf("%+v", clusters.JSON200)
	}
}

func (d *door) produce(ctx context.Context) {
	trace := sluice.GivenHeader{Key: "trace", Value: to(sluice.Base64("abc"))}
	answer, err := d.ProduceWithResponse(ctx, d.topic, nil, sluice.JSONRecords{Records: []sluice.JSONRecord{
		{Key: "c-17", Value: map[string]any{"sku": 9}, Headers: &[]sluice.GivenHeader{trace}},
		{Value: "two", Partition: to(int32(0))},
		{Value: 3, Partition: to(int32(9))},
	}})
	check(err)
	status(http.StatusOK, answer.HTTPResponse, answer.Body)
	results := answer.JSON200.Offsets
	if len(results) != 3 || *results[0].Offset != 0 || *results[1].Offset != 1 || results[1].Error != nil || *results[2].ErrorCode != 50002 {
		log.Fatalf("%s", answer.Body)
	}
}

func (d *door) consume(ctx context.Context, group string) {
	made, err := d.CreateInstanceWithResponse(ctx, group, sluice.InstanceSettings{
		Name: to("w1"), Format: to(sluice.InstanceSettingsFormatJson), AutoOffsetReset: to("earliest"), AutoCommitEnable: to(false),
	})
	check(err)
	status(http.StatusOK, made.HTTPResponse, made.Body)
	w1 := made.JSON200.InstanceId
	subscribed, err := d.SubscribeWithResponse(ctx, group, w1, sluice.Wish{Topics: &[]string{d.topic}})
	check(err)
	status(http.StatusNoContent, subscribed.HTTPResponse, subscribed.Body)
	var got []sluice.ConsumedRecord
	for len(got) < 2 {
		answer, err := d.InstanceRecordsWithResponse(ctx, group, w1, &sluice.InstanceRecordsParams{Timeout: to(int32(10_000))})
		check(err)
		status(http.StatusOK, answer.HTTPResponse, answer.Body)
		got = append(got, *answer.JSON200...)
	}
	same(got[0].Key, got[0].Value, got[1].Key, got[1].Value, *(*got[0].Headers)[0].Value)
	commit := sluice.Commit{Offsets: &[]sluice.Spot{{Topic: d.topic, Partition: 0, Offset: &got[1].Offset}}}
	committed, err := d.CommitOffsetsWithResponse(ctx, group, w1, nil, commit)
	check(err)
	status(http.StatusOK, committed.HTTPResponse, committed.Body)
	ended, err := d.DeleteInstanceWithResponse(ctx, group, w1)
	check(err)
	status(http.StatusNoContent, ended.HTTPResponse, ended.Body)
}

func (d *door) take(ctx context.Context, group string) {
	var got []sluice.Message
	for len(got) < 2 {
		answer, err := d.MessagesWithResponse(ctx, group, &sluice.MessagesParams{Topics: d.topic, Wait: to("10s")})
		check(err)
		status(http.StatusOK, answer.HTTPResponse, answer.Body)
		got = append(got, *answer.JSON200...)
	}
	same(got[0].Key, got[0].Value, got[1].Key, got[1].Value, *(*got[0].Headers)[0].Value)
	acks := sluice.Acks{Ack: &[]sluice.Settled{{Lease: *got[0].Lease}, {Lease: *got[1].Lease}}}
	settled, err := d.AcksWithResponse(ctx, group, acks)
	check(err)
	status(http.StatusOK, settled.HTTPResponse, settled.Body)
	if settled.JSON200.Accepted != 2 {
		log.Fatalf("%s", settled.Body)
	}
}

// same ends the program unless these are the records that were produced.
func same(got ...any) {
	if text := fmt.Sprint(got...); text != fmt.Sprint("c-17", map[string]any{"sku": 9}, nil, "two", []byte("abc")) {
		log.Fatal(text)
	}
}

func status(want int, got *http.Response, body []byte) {
	if got.StatusCode != want {
		log.Fatalf("%s %s: %s %s", got.Request.Method, got.Request.URL, got.Status, body)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func to[T any](value T) *T { return &value }
