import { Ring } from 'uring';
const ring = new Ring(1024);
let sum=0; const visit=(u:number|bigint)=>{ sum=(sum+Number(u))>>>0; };
function run(size:number,count:number){ const b=count/size|0; for(let i=0;i<b;i++){ for(let userData=0;userData<size;userData++) ring.prepare.nop({userData}); ring.submit({wait:size}); if(ring.reap(visit)!==size) throw 1; } }
const best:{[k:number]:number[]}={};
for(const s of [1,32,128]) run(s,200000);
for(let r=0;r<15;r++) for(const s of [1,32,128]){ const n=s===1?200000:1000000; const t=performance.now(); run(s,n); (best[s]??=[]).push((performance.now()-t)*1e6/n); }
for(const s of [1,32,128]){ const v=best[s]!.sort((a,b)=>a-b); console.log(s,'min',v[0]!.toFixed(1),'med',v[7]!.toFixed(1)); }
